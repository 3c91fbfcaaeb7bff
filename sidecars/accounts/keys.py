"""API keys: made once, shown once, kept as SHA-256."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sidecars import names
from sidecars.accounts import secret_tokens
from sidecars.accounts.scopes import EVERYTHING, Scope
from sidecars.edge.records import write_team
from sidecars.edge.store import redis
from sidecars.models import ApiKey, database, now
from sidecars.usage import limits

PREFIX = "kb_"
# What a list shows of a key: enough to tell it from others, far too little to guess the rest.
SHOWN = len(PREFIX) + 6
LAST_USED_STEP = timedelta(minutes=5)
_TAKE_USES = redis.register_script(
    "local uses = redis.call('HGETALL', KEYS[1]) redis.call('DEL', KEYS[1]) return uses"
)


@dataclass(frozen=True)
class NewKey:
    """A key just made. `secret` exists here and nowhere else."""

    record: ApiKey
    secret: str


def make(team_id: int, name: str, scope: Scope = EVERYTHING, expires_at: datetime | None = None) -> NewKey:
    """A new key of the team, known to the edge too (as SMTP password) when this returns. Raises OverPlan."""
    secret = secret_tokens.make(PREFIX)
    with database.atomic("READ COMMITTED"):
        limits.check(team_id, limits.API_KEYS)
        record = ApiKey.create(
            team=team_id,
            name=name,
            prefix=secret[:SHOWN],
            sha256=secret_tokens.digest(secret),
            scopes=scope.words(),
            expires_at=expires_at,
        )
    write_team(team_id)
    return NewKey(record, secret)


def check(secret: str) -> ApiKey | None:
    """The key's record, or None where it never existed, was revoked or has expired.

    Notes the use, at most once in LAST_USED_STEP, so that a busy key is not a row updated a request.
    """
    record: ApiKey | None = ApiKey.get_or_none(
        ApiKey.sha256 == secret_tokens.digest(secret), ApiKey.revoked_at.is_null()
    )
    if record is None or (record.expires_at is not None and record.expires_at <= now()):
        return None
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


def _note_use(record: ApiKey) -> None:
    moment = now()
    if record.last_used_at is None or record.last_used_at <= moment - LAST_USED_STEP:
        ApiKey.update(last_used_at=moment).where(ApiKey.id == record.id).execute()
