"""Seals secrets that must rest in a database: AES-256-GCM with ENCRYPTION_KEY.

base64(nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)), no associated data. The edge opens the same form
with Node's `crypto` (haraka/plugins/lib/seal.js).
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sidecars.settings import settings

NONCE_BYTES = 12
TAG_BYTES = 16


class SealError(Exception):
    """The key is unusable, or a sealed value was made with another key or damaged."""


def seal(plaintext: bytes) -> str:
    """Sealed under a fresh nonce: the same plaintext gives another text each time."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + _cipher().encrypt(nonce, plaintext, None)).decode()


def unseal(sealed: str, key: str | None = None) -> bytes:
    """What was sealed. Raises SealError where it is not whole or the key is another one.

    `key`: 64 hex digits, in the place of ENCRYPTION_KEY.
    """
    try:
        raw = base64.b64decode(sealed, validate=True)
    except ValueError as error:
        raise SealError("A sealed value is not base64.") from error
    if len(raw) < NONCE_BYTES + TAG_BYTES:
        raise SealError("A sealed value is too short to be one.")
    try:
        return _cipher(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None)
    except InvalidTag as error:
        name = "This" if key else "ENCRYPTION_KEY"
        raise SealError(f"{name} is not the key that sealed this value, or it was altered.") from error


def _cipher(key: str | None = None) -> AESGCM:
    name = "The key" if key else "ENCRYPTION_KEY"
    try:
        octets = bytes.fromhex(key or settings.encryption_key.get_secret_value())
    except ValueError as error:
        raise SealError(f"{name} must be 64 hex digits.") from error
    if len(octets) != 32:
        raise SealError(f"{name} must be 64 hex digits (32 bytes).")
    return AESGCM(octets)
