"""Taking single sends out of the archive again, for a report that comes when their broadcast is archived."""

from collections.abc import Collection

from sidecars.archive import parts
from sidecars.archive.sends import is_archived
from sidecars.broadcasts.moves import READ_COMMITTED
from sidecars.broadcasts.states import SendState
from sidecars.models import ArchivedPart, Send, database


def recall(broadcast_id: int, contact_ids: Collection[int], standing: Collection[SendState]) -> int:
    """Puts archived sends that stand in one of the states back into MySQL, to move there; returns how many.

    The archiver finds them there, and writes their part anew if they have moved. Until then the archive
    answers for them as they were. Raises what reading the archive raises.
    """
    if not is_archived(broadcast_id):
        return 0
    holding = ArchivedPart.select().where(
        ArchivedPart.broadcast == broadcast_id,
        ArchivedPart.lo <= max(contact_ids),
        ArchivedPart.hi >= min(contact_ids),
    )
    return sum(_recall_from(part, set(contact_ids), standing) for part in holding)


def _recall_from(part: ArchivedPart, contact_ids: set[int], standing: Collection[SendState]) -> int:
    with database.atomic(READ_COMMITTED):
        part = parts.locked(part)  # so that it is not written anew meanwhile
        rows = [row for row in parts.read(part) if row.contact_id in contact_ids and row.state in standing]
        if rows:
            part.dropped_at = None
            part.save(only=("dropped_at",))
            # One that is back already stays as it is. INSERT IGNORE would swallow every other error too.
            back = Send.insert_many([row._asdict() for row in rows])
            back.on_conflict(preserve=(Send.contact_id,)).execute()
    return len(rows)
