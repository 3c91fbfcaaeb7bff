"""The ledger's rows, from MySQL or, for a broadcast that ended long ago, from its archive in S3.

Whoever asks need not know which. Everything raises botocore's errors and `parts.DamagedPart` beside peewee's.
"""

from collections.abc import Callable, Collection
from itertools import islice
from typing import Any
from uuid import UUID

from sidecars.archive import parts
from sidecars.archive.rows import SendRow, in_mysql
from sidecars.models import ArchivedPart, Broadcast, database

# A row is dropped from MySQL only after its broadcast is marked, so one snapshot never misses it in both.
SNAPSHOT = "REPEATABLE READ"


def read_sends(
    broadcast_id: int,
    *,
    after: int = 0,
    state: int | None = None,
    limit: int | None = None,
    without: Callable[[ArchivedPart], None] | None = None,
) -> list[SendRow]:
    """Sends of a broadcast beyond contact id `after`, by contact id; of one state (its code), or of any.

    A damaged part of the archive is told to `without` and passed over, or raised where that is None.
    """
    with database.atomic(SNAPSHOT):
        if not is_archived(broadcast_id):
            return _from_mysql(broadcast_id, after, state, limit)
        files = list(_parts(broadcast_id).where(ArchivedPart.hi > after))
    rows = (
        row
        for part in files
        if state is None or any(code == state for code, _, _ in part.counts)
        for row in _read(part, without)
        if row.contact_id > after and state in (None, row.state)
    )
    return list(islice(rows, limit))


def find_sends(message_ids: Collection[UUID]) -> dict[UUID, SendRow]:
    """The sends of those message ids that the ledger knows."""
    if not message_ids:
        return {}
    places = ", ".join(["%s"] * len(message_ids))
    rows = in_mysql(f"WHERE message_id IN ({places})", [id_.bytes for id_ in message_ids])
    found = {row.message_id: row for row in rows}
    missing = sorted(set(message_ids) - set(found))
    return found | _archived(missing) if missing else found


def archived_counts(broadcast_id: int) -> list[tuple[int, int, int]]:
    """(state, reason, sends) of an archived broadcast, without a look into S3; some may be named twice."""
    return [(state, reason, n) for part in _parts(broadcast_id) for state, reason, n in part.counts]


def is_archived(broadcast_id: int) -> bool:
    """Whether the archive answers for the broadcast."""
    return (
        Broadcast.select().where(Broadcast.id == broadcast_id, Broadcast.archived_at.is_null(False)).exists()
    )


def _read(part: ArchivedPart, without: Callable[[ArchivedPart], None] | None) -> list[SendRow]:
    try:
        return parts.read(part)
    except parts.DamagedPart:
        if without is None:
            raise
        without(part)
        return []


def _from_mysql(broadcast_id: int, after: int, state: int | None, limit: int | None) -> list[SendRow]:
    rest, parameters = "WHERE broadcast_id = %s AND contact_id > %s", [broadcast_id, after]
    if state is not None:
        rest += " AND state = %s"
        parameters.append(state)
    rest += " ORDER BY contact_id"
    if limit is not None:
        rest += " LIMIT %s"
        parameters.append(limit)
    return in_mysql(rest, parameters)


def _archived(message_ids: list[UUID]) -> dict[UUID, SendRow]:
    """Message ids begin with the moment at which they were made, so that few parts can have one."""
    near = ArchivedPart.select().where(
        ArchivedPart.last_message_id >= message_ids[0], ArchivedPart.first_message_id <= message_ids[-1]
    )
    found: dict[UUID, SendRow] = {}
    for part in near:
        wanted = [id_ for id_ in message_ids if part.first_message_id <= id_ <= part.last_message_id]
        if wanted:
            found |= {row.message_id: row for row in parts.read(part, wanted)}
    return found


def _parts(broadcast_id: int) -> Any:
    return ArchivedPart.select().where(ArchivedPart.broadcast == broadcast_id).order_by(ArchivedPart.lo)
