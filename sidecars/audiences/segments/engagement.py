"""Who opened, clicked or received: asked of ClickHouse once for a moment, and kept in MySQL as a set of ids.

A set belongs to a condition, an audience and a moment, so that all who ask as of the same moment get the same
people: a broadcast asks as of its publication, however often its planning is killed and goes on. Others ask
as of now, and are content with a set that is FRESH_SECONDS old.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import orjson
from peewee import IntegrityError, chunked, fn

from sidecars.analytics.client import column
from sidecars.archive.sends import read_sends
from sidecars.audiences.segments.language import Engaged, RecipientOf
from sidecars.models import Audience, Broadcast, EngagedContact, EngagementSet, database, now

FRESH_SECONDS = 60
# Long after the last query that could read a set which is fresh no more.
KEPT_SECONDS = 900
# Ids in one INSERT: a JSON array of half a megabyte.
CHUNK = 50_000
ROWS_READ = 10_000
ROWS_DELETED = 20_000

# What publishing puts into the ledger and nobody hands over, as `broadcasts/states.py` codes it.
REJECTED, SKIPPED, CANCELLED = 6, 7, 8

# Whoever was merged into another contact since is that one.
_GIVEN = """FROM JSON_TABLE(%s, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS given
    LEFT JOIN merged_contacts m ON m.id = given.id"""
_INSERT = f"""INSERT IGNORE INTO engaged_contacts (set_id, contact_id)
    SELECT %s, COALESCE(m.contact_id, given.id) {_GIVEN}"""
_INSERT_BY_ADDRESS = f"""INSERT IGNORE INTO engaged_contacts (set_id, contact_id)
    SELECT %s, here.id {_GIVEN}
      JOIN contacts there ON there.id = COALESCE(m.contact_id, given.id)
      JOIN contacts here ON here.audience_id = %s AND here.email = there.email"""


def set_as_of(audience: Audience, condition: Engaged | RecipientOf, at: datetime, exactly: bool) -> int:
    """The id of the set of those the condition holds for at the moment; made where there is none.

    Not `exactly`: it may be FRESH_SECONDS older. Raises clickhouse_driver.errors.Error or OSError where
    ClickHouse does not answer, and what the archive raises for a broadcast whose ledger is in S3.
    """
    digest = hashlib.sha256(condition.model_dump_json().encode()).digest()
    oldest = at if exactly else at - timedelta(seconds=FRESH_SECONDS)
    kept = (
        EngagementSet.select()
        .where(
            EngagementSet.audience == audience,
            EngagementSet.digest == digest,
            EngagementSet.as_of.between(oldest, at),
        )
        .order_by(EngagementSet.as_of.desc())
    )
    found = kept.first()
    if found is None:
        try:
            with database.atomic():
                found = EngagementSet.create(audience=audience, digest=digest, as_of=at)
                _fill(found, condition)
        except IntegrityError:  # another was first, and has committed it
            found = kept.for_update().get()
    return int(found.id)


def forget_old() -> None:
    """Deletes sets that nobody reads any more, in steps; those of a broadcast that is still planned stay."""
    waiting = Broadcast.select(Broadcast.id).where(
        Broadcast.audience == EngagementSet.audience,
        Broadcast.published_at == EngagementSet.as_of,
        Broadcast.planned_at.is_null(),
        Broadcast.finished_at.is_null(),
    )
    old = EngagementSet.select().where(
        EngagementSet.created_at < now() - timedelta(seconds=KEPT_SECONDS), ~fn.EXISTS(waiting)
    )
    for each in old:
        theirs = EngagedContact.delete().where(EngagedContact.set_id == each.id).limit(ROWS_DELETED)
        while theirs.execute() == ROWS_DELETED:
            pass
        each.delete_instance()


def _fill(kept: EngagementSet, condition: Engaged | RecipientOf) -> None:
    if isinstance(condition, RecipientOf):
        for ids in _recipients(condition.recipient_of):
            database.execute_sql(_INSERT_BY_ADDRESS, [kept.id, orjson.dumps(ids).decode(), kept.audience_id])
    else:
        for ids in chunked(_engaged(kept.audience, condition, kept.as_of), CHUNK):
            database.execute_sql(_INSERT, [kept.id, orjson.dumps(ids).decode()])


def _engaged(audience: Audience, asked: Engaged, at: datetime) -> Sequence[int]:
    broadcasts = asked.broadcasts or _sent(audience, at, asked.last_broadcasts)
    if not broadcasts:
        return ()
    since = at - timedelta(days=asked.days) if asked.days else datetime(2000, 1, 1, tzinfo=UTC)
    machines = {} if asked.engagement == "received" else {"machines": int(asked.signals == "all")}
    return column(
        f"engaged_{asked.engagement}",
        team_id=audience.team_id,
        broadcast_ids=broadcasts,
        since=since,
        until=at,
        at_least=asked.at_least,
        **machines,
    )


def _sent(audience: Audience, before: datetime, last: int | None) -> list[int]:
    """Ids of the audience's broadcasts that were published before the moment, the latest first."""
    query = (
        Broadcast.select(Broadcast.id)
        .where(Broadcast.audience == audience, Broadcast.published_at < before)
        .order_by(Broadcast.published_at.desc(), Broadcast.id.desc())
    )
    return [broadcast.id for broadcast in (query.limit(last) if last else query)]


def _recipients(broadcast_id: int) -> Iterator[list[int]]:
    """Contact ids of those whom a mail of the broadcast was made for, by ledger or archive."""
    after = 0
    while rows := read_sends(broadcast_id, after=after, limit=ROWS_READ):
        after = rows[-1].contact_id
        ids = [row.contact_id for row in rows if row.state not in (REJECTED, SKIPPED, CANCELLED)]
        if ids:
            yield ids
