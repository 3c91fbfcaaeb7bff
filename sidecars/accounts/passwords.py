"""Passwords by argon2id, in the parameters that OWASP's Password Storage Cheat Sheet names first.

19 MiB, two passes, one lane: some 30 ms of a core, and memory for each thread of `web` at once. RFC 9106
section 4 would take more; who can spare it raises these, and each password follows at its next login.
"""

from functools import cache
from secrets import token_hex

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sidecars.models import User

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hashed(password: str) -> str:
    """As it is kept."""
    return _HASHER.hash(password)


def fits(user: User | None, password: str) -> bool:
    """Whether it is this person's; it takes as long for nobody, and for who has none."""
    kept = user.password_hash if user is not None else None
    try:
        _HASHER.verify(kept or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    if user is None or kept is None:
        return False
    if _HASHER.check_needs_rehash(kept):
        User.update(password_hash=hashed(password)).where(
            User.id == user.id, User.password_hash == kept
        ).execute()
    return True


@cache
def _nobodys() -> str:
    return hashed(token_hex())
