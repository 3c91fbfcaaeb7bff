"""Key pairs for DKIM: RSA-2048 (RFC 8301) and Ed25519 (RFC 8463)."""

import base64
import secrets
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sidecars.models import now


class KeyPair(NamedTuple):
    """`private_pem`: PKCS#8, not encrypted; `published`: what the record in DNS has behind `p=`."""

    private_pem: bytes
    published: str


def make_rsa() -> KeyPair:
    """A fresh pair; published is base64 of SubjectPublicKeyInfo (RFC 6376, 3.6.1)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _pair(key, key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def make_ed25519() -> KeyPair:
    """A fresh pair; published is base64 of the bare 32 bytes (RFC 8463, 4)."""
    key = Ed25519PrivateKey.generate()
    return _pair(key, key.public_key().public_bytes_raw())


def selector_after(last: str | None) -> str:
    """A name for the key that follows `last`: `kb202611f3a9`, then `kb202611f3a9-2` in the same month.

    A name is never used again, so that no resolver answers with the key that had it before
    (M3AAWG DKIM Key Rotation Best Common Practices); nor by two teams that register one domain.
    """
    month = f"kb{now():%Y%m}"
    name, _, number = (last or "").partition("-")
    if name.startswith(month):
        return f"{name}-{int(number or 1) + 1}"
    return month + secrets.token_hex(2)


def _pair(key: rsa.RSAPrivateKey | Ed25519PrivateKey, public: bytes) -> KeyPair:
    private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(private_pem, base64.b64encode(public).decode())
