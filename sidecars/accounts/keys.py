"""API keys: made once, shown once, kept as SHA-256.

A key has 238 random bits, so a plain digest cannot be turned back by guessing and needs no salt; that is
what lets the edge and the API look it up for the price of one hash.
"""

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sidecars import names
from sidecars.accounts.scopes import EVERYTHING, Scope
from sidecars.edge.records import write_team
from sidecars.edge.store import redis
from sidecars.models import ApiKey, now

PREFIX = "kb_"
LENGTH = 40
# What a list shows of a key: enough to tell it from others, far too little to guess the rest.
SHOWN = len(PREFIX) + 6
LAST_USED_STEP = timedelta(minutes=5)
_ALPHABET = string.ascii_letters + string.digits
_TAKE_USES = redis.register_script(
    "local uses = redis.call('HGETALL', KEYS[1]) redis.call('DEL', KEYS[1]) return uses"
)


@dataclass(frozen=True)
class NewKey:
    """A key just made. `secret` exists here and nowhere else."""

    record: ApiKey
    secret: str


def make(team_id: int, name: str, scope: Scope = EVERYTHING) -> NewKey:
    """A new key of the team, known to the edge too (as SMTP password) when this returns."""
    secret = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
    record = ApiKey.create(
        team=team_id, name=name, prefix=secret[:SHOWN], sha256=digest(secret), scopes=scope.words()
    )
    write_team(team_id)
    return NewKey(record, secret)


def check(secret: str) -> ApiKey | None:
    """The key's record, or None where it never existed or was revoked.

    Notes the use, at most once in LAST_USED_STEP, so that a busy key is not a row updated a request.
    """
    record: ApiKey | None = ApiKey.get_or_none(ApiKey.sha256 == digest(secret), ApiKey.revoked_at.is_null())
    if record is not None:
        _note_use(record)
    return record


def revoke(team_id: int, key_id: int) -> bool:
    """Ends a key; the edges end its open connections within seconds.

    False: the team has no such key, or it was revoked before.
    """
    ended = (
        ApiKey.update(revoked_at=now())
        .where(ApiKey.id == key_id, ApiKey.team == team_id, ApiKey.revoked_at.is_null())
        .execute()
    )
    write_team(team_id)
    return bool(ended)


def write_down_uses() -> int:
    """Takes from Redis when the edges last saw keys used, into MySQL; returns how many keys were used."""
    uses = _TAKE_USES(keys=[names.KEY_USES_KEY])
    for key_id, seconds in zip(uses[::2], uses[1::2], strict=True):
        moment = datetime.fromtimestamp(int(seconds), UTC)
        ApiKey.update(last_used_at=moment).where(
            ApiKey.id == int(key_id), ApiKey.last_used_at.is_null() | (ApiKey.last_used_at < moment)
        ).execute()
    return len(uses) // 2


def digest(secret: str) -> bytes:
    """SHA-256, 32 bytes."""
    return sha256(secret.encode()).digest()


def _note_use(record: ApiKey) -> None:
    moment = now()
    if record.last_used_at is None or record.last_used_at <= moment - LAST_USED_STEP:
        ApiKey.update(last_used_at=moment).where(ApiKey.id == record.id).execute()
