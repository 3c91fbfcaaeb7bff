"""Secrets that we make: told once, kept as SHA-256.

One has 238 random bits, so a plain digest cannot be turned back by guessing and needs no salt; that is what
lets the edge and the API look it up for the price of one hash. A signature would add nothing to that.
"""

import secrets
import string
from hashlib import sha256

LENGTH = 40
_ALPHABET = string.ascii_letters + string.digits


def make(prefix: str) -> str:
    """A new one; the prefix says what it is for."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def digest(secret: str) -> bytes:
    """SHA-256, 32 bytes."""
    return sha256(secret.encode()).digest()
