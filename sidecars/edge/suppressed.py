"""Whom each team must not write to, copied from MySQL into Redis, where the edge looks at each RCPT.

MySQL is the truth. A change is written here at once, after its commit. What was missed, as Redis was away or
the writer died, is written by the clock: it goes after the changes of MySQL, SETTLED_SECONDS behind them, and
keeps in Redis itself how far it is. A Redis that lost its last second has lost of both.
"""

import base64
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from peewee import chunked
from redis.client import Pipeline

from sidecars import names
from sidecars.edge.store import redis
from sidecars.models import ErasedAddress, Suppression, SuppressionRemoval, database, now
from sidecars.models.suppressions import ALL_STREAMS
from sidecars.names import address_key
from sidecars.settings import settings

# The reason of who was erased; there is no row that has it.
ERASED = "erased"
# No change takes longer from its statement to its commit.
SETTLED_SECONDS = 10
# Of the digest: of a million addresses one in 10^13 others is taken for one of them.
DIGEST_BYTES = 8
PAGE = 1000
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def digest(address: str) -> bytes:
    """HMAC-SHA256 (RFC 2104) of the address in lower case, by TOKEN_SECRET.

    Without the key a list of likely addresses cannot be tried against it.
    """
    key = settings.token_secret.get_secret_value().encode()
    return hmac.digest(key, b"erased address\0" + address_key(address).encode(), hashlib.sha256)


def write(team_id: int, addresses: Iterable[str]) -> None:
    """SUPPRESSED:<team> as MySQL has it for these addresses. To be called after the commit of a change.

    Raises redis.RedisError where Redis does not answer; the clock writes it when it does.
    """
    key = names.suppressed_key(team_id)
    for some in chunked(sorted({address_key(address) for address in addresses}), PAGE):
        # Where another writes meanwhile it reads MySQL again, so that nobody puts back what was replaced.
        redis.transaction(partial(_put, key, team_id, some), key)


def write_missed() -> None:
    """What changed in MySQL since the last time, by the clock; all of it where there was none."""
    until = _settled()
    written = redis.get(_written_key())
    _write_changed(datetime.fromisoformat(str(written)) if written else _BEGINNING, until)
    redis.set(_written_key(), until.isoformat())


def fill() -> None:
    """All of it, for a Redis that lost its data. Raises redis.RedisError."""
    until = _settled()
    _write_changed(_BEGINNING, None)
    redis.set(_written_key(), until.isoformat())


def _put(key: str, team_id: int, addresses: list[str], pipeline: Pipeline) -> None:
    digests = {address: digest(address) for address in addresses}
    entries = _entries(team_id, digests)
    pipeline.multi()
    if entries:
        pipeline.hset(key, items=[part for pair in entries.items() for part in pair])
    if gone := [field for field in map(_field, digests.values()) if field not in entries]:
        pipeline.hdel(key, *gone)


def _entries(team_id: int, digests: dict[str, bytes]) -> dict[str, str]:
    """{field: what the edge reads} of those that are suppressed."""
    columns = ("stream", "reason", "created_at", "expires_at", "email")
    rows: Any = Suppression.select(*(getattr(Suppression, name) for name in columns)).where(
        Suppression.team == team_id,
        Suppression.email.in_(list(digests)),
        Suppression.expires_at.is_null() | (Suppression.expires_at > now()),
    )
    parts: dict[str, list[str]] = defaultdict(list)
    for *facts, email in rows.order_by(Suppression.id).tuples():
        parts[_field(digests[email])].append(_part(*facts))
    erased = ErasedAddress.select().where(
        ErasedAddress.team == team_id, ErasedAddress.digest.in_(list(digests.values()))
    )
    entries = {field: ",".join(each) for field, each in parts.items()}
    return entries | {_field(bytes(row.digest)): _OF_ERASED for row in erased}


def _part(stream: str, reason: str, since: datetime, until: datetime | None) -> str:
    term = f" {until.timestamp():.0f}" if until else ""
    return f"{stream} {reason} {since.date()}{term}"


def _write_changed(since: datetime, until: datetime | None) -> None:
    """What changed at `since` or later, and before `until`."""
    for team_id, addresses in _changed(Suppression, since, until):
        write(team_id, addresses)
    for team_id, addresses in _changed(SuppressionRemoval, since, until):
        write(team_id, addresses)
    for row in ErasedAddress.select().where(*_within(ErasedAddress, since, until)).iterator():
        redis.hset(names.suppressed_key(row.team_id), _field(bytes(row.digest)), _OF_ERASED)


def _changed(model: Any, since: datetime, until: datetime | None) -> Iterator[tuple[int, list[str]]]:
    """(team, addresses), a page at a time."""
    last = 0
    while True:
        found = model.select(model.id, model.team, model.email).where(
            model.id > last, *_within(model, since, until)
        )
        rows = list(found.order_by(model.id).limit(PAGE).tuples())
        if not rows:
            return
        last = rows[-1][0]
        of_team: dict[int, list[str]] = defaultdict(list)
        for _, team_id, email in rows:
            of_team[team_id].append(email)
        yield from of_team.items()


def _within(model: Any, since: datetime, until: datetime | None) -> list[Any]:
    ended = [] if until is None else [model.changed_at < until]
    return [model.changed_at >= since, *ended]


def _settled() -> datetime:
    """By the database's clock, as `changed_at` is."""
    (moment,) = database.execute_sql(
        "SELECT UTC_TIMESTAMP(3) - INTERVAL %s SECOND", (SETTLED_SECONDS,)
    ).fetchone()
    settled: datetime = moment.replace(tzinfo=UTC)
    return settled


def _field(address_digest: bytes) -> str:
    return base64.urlsafe_b64encode(address_digest[:DIGEST_BYTES]).rstrip(b"=").decode()


def _written_key() -> str:
    """Another one where TOKEN_SECRET is: then no field in Redis is right any more."""
    return names.suppressed_written_key(_field(digest("")))


_OF_ERASED = f"{ALL_STREAMS} {ERASED}"
