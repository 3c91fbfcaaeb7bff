"""Codes of an authenticator (RFC 6238: SHA-1, six digits, 30 s), and recovery codes for when it is lost.

A code counts once: the step of 30 s that it belongs to is used up with it, and those before.
"""

import hmac
import secrets
from hashlib import sha256

import pyotp

from sidecars.accounts.errors import NotPossible, Wrong
from sidecars.deliverability.seal import seal, unseal
from sidecars.models import RecoveryCode, User, database, now

ISSUER = "Kibamail"
STEP_SECONDS = 30
# Clocks that differ by a step are no reason to keep somebody out (RFC 6238 section 5.2).
STEPS_ASIDE = (0, -1, 1)
RECOVERY_CODES = 10
_GROUPS, _LETTERS = 4, "abcdefghijkmnpqrstuvwxyz23456789"
WRONG = "This is not what your authenticator shows now. Is its clock right?"


def begin(user: User) -> pyotp.TOTP:
    """A new secret, asked for at login once it is confirmed. Raises NotPossible where one is."""
    if user.totp_confirmed_at is not None:
        raise NotPossible("There is an authenticator already; remove it first.", "confirmed")
    made = pyotp.TOTP(pyotp.random_base32(), name=user.email, issuer=ISSUER)
    User.update(totp_secret=seal(made.secret.encode())).where(User.id == user.id).execute()
    return made


def confirm(user: User, code: str) -> list[str]:
    """From now on logins want a code; returns the recovery codes. Raises Wrong, or NotPossible."""
    if user.totp_secret is None:
        raise NotPossible("There is nothing to confirm; begin with POST /v1/me/totp.", "none")
    if user.totp_confirmed_at is not None:
        raise NotPossible("This authenticator is confirmed already.", "confirmed")
    if not _fits_once(user, code):
        raise Wrong("code", WRONG)
    User.update(totp_confirmed_at=now()).where(User.id == user.id).execute()
    return new_recovery_codes(user)


def remove(user: User) -> None:
    """Logins want no code any more."""
    User.update(totp_secret=None, totp_confirmed_at=None).where(User.id == user.id).execute()
    RecoveryCode.delete().where(RecoveryCode.user == user).execute()


def new_recovery_codes(user: User) -> list[str]:
    """Told this once; those before them are worth nothing any more."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    with database.atomic():
        RecoveryCode.delete().where(RecoveryCode.user == user).execute()
        RecoveryCode.insert_many({"user": user.id, "sha256": _digest(code)} for code in codes).execute()
    return codes


def accepts(user: User, code: str) -> bool:
    """Whether the code lets the person in, this once."""
    if code.strip().replace(" ", "").isdigit():
        return _fits_once(user, code)
    spent = RecoveryCode.delete().where(RecoveryCode.user == user, RecoveryCode.sha256 == _digest(code))
    return bool(spent.execute())


def _fits_once(user: User, code: str) -> bool:
    given = code.strip().replace(" ", "")
    generator = pyotp.TOTP(unseal(str(user.totp_secret)).decode())
    this_step = int(now().timestamp()) // STEP_SECONDS
    fitting = [
        this_step + aside
        for aside in STEPS_ASIDE
        if hmac.compare_digest(generator.generate_otp(this_step + aside).encode(), given.encode())
    ]
    return bool(fitting) and _use_up(user, fitting[0])


def _use_up(user: User, step: int) -> bool:
    """Of two that come with one code, one gets in."""
    moved = User.update(totp_last_step=step).where(User.id == user.id, User.totp_last_step < step)
    return bool(moved.execute())


def _recovery_code() -> str:
    """80 bits, so that a digest cannot be turned back by guessing."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(_GROUPS))


def _digest(code: str) -> bytes:
    return sha256(code.strip().lower().encode()).digest()
