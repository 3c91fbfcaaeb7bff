"""Moving the ledger of broadcasts that ended long ago from MySQL to S3.

Each step can be repeated, so a process may die at any line: parts are written and read back, then the
broadcast is marked, from which moment the archive answers for it, then rows are dropped, each only while
the archive has it as it stands. One process at a time does this, as long as it holds MySQL's lock.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from peewee import chunked, fn

from sidecars.archive import parts
from sidecars.archive.rows import SendRow, in_mysql
from sidecars.broadcasts.moves import READ_COMMITTED
from sidecars.broadcasts.states import SendState
from sidecars.models import ArchivedPart, Broadcast, Send, SendSlice, database, now

log = logging.getLogger(__name__)

PART_ROWS = 50_000
# Rows in one DELETE: few enough that nobody waits for it.
DROPPED_AT_ONCE = 1000
# A broadcast with one of these still has mail to be told of.
UNSETTLED = (SendState.PLANNED, SendState.ACCEPTED)


class NotArchivable(Exception):
    """The broadcast's ledger must stay where it is; the text says why."""


class Busy(Exception):
    """Another process archives at this moment."""

    def __init__(self) -> None:
        super().__init__("Another process is archiving. It takes a few seconds at a time; try again.")


def due(days: int) -> Iterator[int]:
    """Ids of what is begun, then of what ended so many days ago (0: never) and is settled, the oldest first.

    What a late report has taken out of the archive is begun, too.
    """
    undropped = ArchivedPart.select(ArchivedPart.broadcast).where(ArchivedPart.dropped_at.is_null())
    begun = [part.broadcast_id for part in undropped.distinct()]
    yield from begun
    if not days:
        return
    ended = Broadcast.select(Broadcast.id).where(
        Broadcast.finished_at < now() - timedelta(days=days),
        Broadcast.archived_at.is_null(),
        Broadcast.id.not_in(begun),
    )
    for broadcast in list(ended.order_by(Broadcast.finished_at)):
        if not _has_unsettled(broadcast.id):
            yield broadcast.id


def check(broadcast_id: int) -> None:
    """Raises NotArchivable for a broadcast that is under way, or has mail that an edge has not told of."""
    broadcast = Broadcast.get_or_none(Broadcast.id == broadcast_id)
    if broadcast is None:
        raise NotArchivable(f"There is no broadcast {broadcast_id}.")
    if broadcast.finished_at is None:
        raise NotArchivable(f"Broadcast {broadcast_id} is {broadcast.state} and has not ended.")
    if broadcast.archived_at is None and _has_unsettled(broadcast_id):
        raise NotArchivable(
            f"Broadcast {broadcast_id} has mail that waits at an edge. Wait; if the edge is gone for good, "
            "./kiba edge forget it."
        )


def advance(broadcast_id: int, patience_seconds: int = 0) -> bool:
    """Takes the next step with a broadcast that is due; False: there was none left.

    Raises Busy where another process is at it for longer than `patience_seconds`, NotArchivable and
    parts.DamagedPart where somebody must look first, and botocore's errors; nothing is lost by any of them.
    """
    with _alone(patience_seconds):
        broadcast = Broadcast.get_by_id(broadcast_id)
        if broadcast.archived_at is None:
            if not _write_next(broadcast_id):
                _mark(broadcast_id)
            return True
        part = ArchivedPart.get_or_none(
            ArchivedPart.broadcast == broadcast_id, ArchivedPart.dropped_at.is_null()
        )
        if part is not None:
            _drop(part)
        return part is not None


def _write_next(broadcast_id: int) -> bool:
    last = ArchivedPart.select(fn.MAX(ArchivedPart.hi)).where(ArchivedPart.broadcast == broadcast_id).scalar()
    rows = in_mysql(
        "WHERE broadcast_id = %s AND contact_id > %s ORDER BY contact_id LIMIT %s",
        (broadcast_id, last or 0, PART_ROWS),
    )
    if rows:
        parts.write(rows).save(force_insert=True)
    return bool(rows)


def _mark(broadcast_id: int) -> None:
    """From here on the archive answers; no worker will look for slices of the broadcast again."""
    standing = Send.select().where(Send.broadcast_id == broadcast_id).count()
    written = (
        ArchivedPart.select(fn.SUM(ArchivedPart.n)).where(ArchivedPart.broadcast == broadcast_id).scalar()
    )
    if standing != (written or 0):
        raise NotArchivable(
            f"Broadcast {broadcast_id} has {standing:,} sends, its archive {written or 0:,}. Delete its rows "
            "of archived_parts to have it written anew."
        )
    with database.atomic(READ_COMMITTED):
        Broadcast.update(archived_at=now()).where(Broadcast.id == broadcast_id).execute()
        SendSlice.delete().where(SendSlice.broadcast == broadcast_id).execute()
    log.info("broadcast archived", extra={"broadcast_id": broadcast_id, "sends": standing})


def _drop(part: ArchivedPart) -> None:
    rows = parts.read(part)
    for some in chunked(rows, DROPPED_AT_ONCE):
        with database.atomic(READ_COMMITTED):
            span = (part.broadcast_id, some[0].contact_id, some[-1].contact_id)
            among = "WHERE broadcast_id = %s AND contact_id BETWEEN %s AND %s"
            moved = set(in_mysql(f"{among} FOR UPDATE", span)) - set(some)
            if moved:
                rows = _replaced(rows, moved)
                _write_again(part, rows)
            database.execute_sql(f"DELETE FROM sends {among}", span)
    _mark_dropped(part)


def _replaced(rows: list[SendRow], moved: set[SendRow]) -> list[SendRow]:
    newest = {row.contact_id: row for row in (*rows, *moved)}
    return sorted(newest.values())


def _write_again(part: ArchivedPart, rows: list[SendRow]) -> None:
    """A report came after the part was written. The old file goes once the new one is sure to count."""
    old_key, fresh = part.object_key, parts.write(rows)
    part.object_key, part.counts, part.written_at = fresh.object_key, fresh.counts, fresh.written_at
    part.save(only=("object_key", "counts", "written_at"))
    database.after_commit(lambda: parts.remove(old_key))


def _mark_dropped(part: ArchivedPart) -> None:
    """Unless a late report has brought a row back (`recall`): then the next step drops it again."""
    with database.atomic(READ_COMMITTED):
        part = parts.locked(part)
        back = Send.contact_id.between(part.lo, part.hi)
        if not Send.select().where(Send.broadcast_id == part.broadcast_id, back).exists():
            part.dropped_at = now()
            part.save(only=("dropped_at",))


def _has_unsettled(broadcast_id: int) -> bool:
    return Send.select().where(Send.broadcast_id == broadcast_id, Send.state.in_(UNSETTLED)).exists()


@contextmanager
def _alone(patience_seconds: int) -> Iterator[None]:
    """While the block runs, no other process is in one. MySQL takes the lock back with the connection."""
    name = "CONCAT(DATABASE(), '.archiving')"
    if database.execute_sql(f"SELECT GET_LOCK({name}, %s)", (patience_seconds,)).fetchone() != (1,):
        raise Busy
    try:
        yield
    finally:
        database.execute_sql(f"DO RELEASE_LOCK({name})")
