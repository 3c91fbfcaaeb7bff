"""Sends that are planned and must not go yet: the rest of an A/B test, and those whose hour has not come.

Such a send is PLANNED like any other, so that the ledger counts everyone from the beginning; its variant is 0
until it may go. Releasing gives it its variant and a slice, in one transaction: each send is released once,
whoever dies when. A broadcast is `held` as long as it may have such sends, and does not finish before.
"""

import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sidecars.broadcasts.moves import READ_COMMITTED, move_sends
from sidecars.broadcasts.states import BroadcastState, Reason, SendState
from sidecars.models import Broadcast, Variant, database
from sidecars.models.moments import from_now
from sidecars.settings import settings

log = logging.getLogger(__name__)

CHUNK = 5_000
Sql = tuple[str, list[Any]]
ANYONE: Sql = ("TRUE", [])


def is_held(broadcast: Broadcast) -> bool:
    """Whether publishing holds sends of it."""
    return bool(broadcast.test_share or broadcast.local_time)


def at_publishing(broadcast: Broadcast) -> dict[str, Any]:
    """Columns that say so. The wait of a test begins later; hours may have come already."""
    if not is_held(broadcast):
        return {}
    return {"held": True, "release_at": from_now() if broadcast.local_time else None}


@lru_cache(maxsize=1024)
def comes_in_waves(broadcast_id: int) -> bool:
    """The same of a published broadcast, which does not change any more.

    The slices of its waves overlap: sends of another one may stand between those of a slice.
    """
    return is_held(Broadcast.get_by_id(broadcast_id))


def planned_variant(broadcast: Broadcast) -> Sql:
    """The variant with which planning writes contact `id` down; 0 for whom it holds."""
    if broadcast.local_time:
        return "0", []
    variant, parameters = by_weight(broadcast, "id")
    if not broadcast.test_share:
        return variant, parameters
    # The hash has two independent parts: its last digits say who is in the test, those before who gets what.
    return (
        f"IF(MOD({_HASH.format(id='id')}, 100) < %s, {variant}, 0)",
        [broadcast.id, broadcast.test_share, *parameters],
    )


_HASH = "CRC32(CONCAT(%s, ':', {id}))"


def by_weight(broadcast: Broadcast, contact_id: str) -> Sql:
    """SQL that gives a contact its variant by weight: the same one whenever it is asked again."""
    digits = _HASH.format(id=contact_id) + (" DIV 100" if broadcast.test_share else "")
    sql, parameters, share = "CASE", [], 0
    for variant in Variant.select().where(Variant.broadcast == broadcast).order_by(Variant.id):
        share += variant.weight
        sql += f" WHEN MOD({digits}, 100) < %s THEN %s"
        parameters += [broadcast.id, share, variant.id]
    return f"{sql} END", parameters


def release(broadcast: Broadcast, variant: Sql, whom: Sql = ANYONE) -> int:
    """Lets held sends go, as `variant` of `contact_id` says; `whom` is a condition on contacts (as `c`).

    Returns how many; nothing happens while the broadcast is paused, or when it has ended.
    """
    released, after = 0, 0
    while chunk := _release_chunk(broadcast.id, variant, whom, after):
        released += len(chunk)
        after = chunk[-1]
    if released:
        log.info("sends released", extra={"broadcast_id": broadcast.id, "sends": released})
    return released


def _release_chunk(broadcast_id: int, variant: Sql, whom: Sql, after: int) -> list[int]:
    sending = (Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.SENDING.value)
    with database.atomic(READ_COMMITTED):
        # Locked, so that of two that release, or one that cancels, one waits for the other.
        if not Broadcast.select(Broadcast.id).where(*sending, Broadcast.held).for_update().first():
            return []
        contact_ids = _held(broadcast_id, after, whom)
        if contact_ids:
            _insert_slices(broadcast_id, contact_ids)
            database.execute_sql(
                f"""UPDATE sends SET variant_id = {variant[0]}
                     WHERE broadcast_id = %s AND contact_id IN ({_places(contact_ids)})
                       AND state = %s AND variant_id = 0""",
                [*variant[1], broadcast_id, *contact_ids, SendState.PLANNED],
            )
    return contact_ids


def end(broadcast_id: int) -> bool:
    """Nothing of the broadcast is held any more, if that is so; then it may finish."""
    ended = database.execute_sql(
        """UPDATE broadcasts SET held = 0, release_at = NULL
            WHERE id = %s AND held = 1
              AND NOT EXISTS (SELECT 1 FROM sends
                               WHERE broadcast_id = %s AND state = %s AND variant_id = 0)""",
        (broadcast_id, broadcast_id, SendState.PLANNED),
    )
    return bool(ended.rowcount)


def cancel(broadcast_id: int) -> int:
    """Cancels what is held of a broadcast that has ended; returns how many sends."""
    if not Broadcast.select().where(Broadcast.id == broadcast_id, Broadcast.held).exists():
        return 0
    cancelled = 0
    for contact_ids in _pages(broadcast_id):
        planned = {SendState.PLANNED}
        cancelled += move_sends(broadcast_id, contact_ids, planned, SendState.CANCELLED, Reason.CANCELLED)
    end(broadcast_id)
    return cancelled


def _pages(broadcast_id: int) -> Iterator[list[int]]:
    after = 0
    while page := _held(broadcast_id, after, ANYONE):
        yield page
        after = page[-1]


def _held(broadcast_id: int, after: int, whom: Sql) -> list[int]:
    """Contacts beyond `after` whose sends are held, in the order of their ids."""
    rows = database.execute_sql(
        f"""SELECT s.contact_id FROM sends s LEFT JOIN contacts c ON c.id = s.contact_id
             WHERE s.broadcast_id = %s AND s.contact_id > %s AND s.state = %s AND s.variant_id = 0
               AND {whom[0]}
             ORDER BY s.contact_id LIMIT {CHUNK}""",
        [broadcast_id, after, SendState.PLANNED, *whom[1]],
    )
    return [contact_id for (contact_id,) in rows.fetchall()]


def _insert_slices(broadcast_id: int, contact_ids: Sequence[int]) -> None:
    size = settings.slice_size
    pieces = [contact_ids[start : start + size] for start in range(0, len(contact_ids), size)]
    row = "(%s, %s, %s, %s, 'open', UTC_TIMESTAMP(3))"
    database.execute_sql(
        "INSERT INTO send_slices (broadcast_id, lo, hi, n, state, not_before) VALUES "
        + ", ".join([row] * len(pieces)),
        [value for piece in pieces for value in (broadcast_id, piece[0], piece[-1], len(piece))],
    )


def _places(values: Sequence[int]) -> str:
    return ", ".join(["%s"] * len(values))
