"""Planning: one row in `sends` for each recipient, and the slices by which workers take them.

A chunk of contacts is planned in one transaction with the cursor that remembers it, so planning can be
killed at any moment and goes on where it stood: nobody is planned twice, nobody is left out.
"""

import logging
import time
from contextlib import suppress

from sidecars.broadcasts import spending, wakeups
from sidecars.broadcasts.control import stop_and_tell
from sidecars.broadcasts.errors import WrongState
from sidecars.broadcasts.finish import finish
from sidecars.broadcasts.held import planned_variant
from sidecars.broadcasts.moves import READ_COMMITTED, move_broadcast
from sidecars.broadcasts.recipients import UNWANTED, UnsupportedFilter, chosen, unwanted_parameters
from sidecars.broadcasts.states import BroadcastState, Reason, SendState
from sidecars.models import Broadcast, database, now
from sidecars.models.moments import from_now
from sidecars.settings import settings
from sidecars.telemetry import MAILS, STAGE_SECONDS

log = logging.getLogger(__name__)

CHUNK = 10_000

# A UUIDv7 (RFC 9562 section 5.7) in SQL that MySQL and MariaDB share: 48 bits of milliseconds, version,
# 12 random bits, variant, 62 random bits. `RAND` gives the two lower bits of one digit.
UUID7 = """UNHEX(CONCAT(LPAD(HEX(%s), 12, '0'), '7', SUBSTR(HEX(RANDOM_BYTES(2)), 2),
    SUBSTR('89AB', 1 + FLOOR(RAND() * 4), 1), SUBSTR(HEX(RANDOM_BYTES(8)), 2)))"""


def plan_next_chunk(broadcast_id: int) -> None:
    """Plans a chunk and calls a worker for the next, so that no broadcast waits for another's millions."""
    if plan_chunk(broadcast_id, CHUNK):
        wakeups.plan_soon(broadcast_id)
    else:
        _open(broadcast_id)


def plan(broadcast_id: int) -> None:
    """Plans what is left of the broadcast, then opens it for sending. Nothing happens unless it is planning.

    Safe to call again and from several workers at once: they take turns at the chunks.
    """
    while plan_chunk(broadcast_id):
        pass
    _open(broadcast_id)


def _open(broadcast_id: int) -> None:
    """For sending, if it is still planning."""
    with database.atomic():
        planning = {BroadcastState.PLANNING}
        opened = move_broadcast(broadcast_id, planning, BroadcastState.SENDING, planned_at=now())
        if opened:
            spending.release(broadcast_id)
    if opened:
        log.info("broadcast planned", extra={"broadcast_id": broadcast_id})
        wakeups.send_soon(broadcast_id)
        finish(broadcast_id)


def plan_chunk(broadcast_id: int, size: int = CHUNK) -> int:
    """Plans the next `size` contacts in the order of their ids; returns how many there were, 0 at the end.

    Where a property is gone that the segment asks about, the broadcast is stopped: nobody had a mail yet.
    """
    try:
        return _plan_chunk(broadcast_id, size)
    except UnsupportedFilter as error:
        log.warning("planning stopped", extra={"broadcast_id": broadcast_id, "error": str(error)})
        with suppress(WrongState):
            stop_and_tell(broadcast_id, f"Whom it goes to cannot be told any more: {error}.")
        return 0


def _plan_chunk(broadcast_id: int, size: int) -> int:
    size = max(settings.slice_size, size - size % settings.slice_size)
    with STAGE_SECONDS.labels("plan").time(), database.atomic(READ_COMMITTED):
        broadcast = (
            Broadcast.select()
            .where(Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.PLANNING.value)
            .for_update()
            .first()
        )
        if broadcast is None:
            return 0
        planned = _insert_sends(broadcast, size)
        if planned:
            last, to_send = _planned_now(broadcast)
            reserved, over = spending.plan(broadcast, to_send)
            if over:
                _skip_last(broadcast, over)
            _insert_slices(broadcast, last)
            Broadcast.update(
                plan_cursor=last,
                planned_total=Broadcast.planned_total + planned,
                reserved=reserved,
                updated_at=from_now(),
            ).where(Broadcast.id == broadcast_id).execute()
    MAILS.labels("plan").inc(planned)
    return planned


def _insert_sends(broadcast: Broadcast, size: int) -> int:
    variant, variant_parameters = planned_variant(broadcast)
    condition, parameters = chosen(broadcast)
    seconds = int(time.time())
    # LIMIT keeps the inner query apart, so that it looks for suppressions once a contact.
    cursor = database.execute_sql(
        f"""INSERT INTO sends (broadcast_id, contact_id, team_id, variant_id, message_id,
                               state, reason, settled_at)
            SELECT %s, id, %s, {variant}, {UUID7},
                   IF(unwanted, %s, %s), unwanted, IF(unwanted, %s, 0)
              FROM (SELECT c.id, {UNWANTED.format(team="%s")} AS unwanted
                      FROM contacts c
                     WHERE {condition} AND c.id > %s ORDER BY c.id LIMIT %s) AS chunk""",
        [
            *(broadcast.id, broadcast.team_id),
            *variant_parameters,
            time.time_ns() // 1_000_000,
            *(SendState.SKIPPED, SendState.PLANNED, seconds),
            *unwanted_parameters(broadcast),
            *parameters,
            *(broadcast.plan_cursor, size),
        ],
    )
    return int(cursor.rowcount)


def _planned_now(broadcast: Broadcast) -> tuple[int, int]:
    """The last contact of the chunk, and how many of it are to get a mail."""
    row = database.execute_sql(
        "SELECT MAX(contact_id), SUM(state = %s) FROM sends WHERE broadcast_id = %s AND contact_id > %s",
        [SendState.PLANNED, broadcast.id, broadcast.plan_cursor],
    ).fetchone()
    return int(row[0]), int(row[1])


def _skip_last(broadcast: Broadcast, over: int) -> None:
    """For whom there are no credits: who came since it was published, as ids grow."""
    log.warning("out of credits", extra={"broadcast_id": broadcast.id, "sends": over})
    database.execute_sql(
        """UPDATE sends SET state = %s, reason = %s, settled_at = %s
            WHERE broadcast_id = %s AND contact_id > %s AND state = %s ORDER BY contact_id DESC LIMIT %s""",
        [
            *(SendState.SKIPPED, Reason.OVER_QUOTA, int(time.time())),
            *(broadcast.id, broadcast.plan_cursor, SendState.PLANNED, over),
        ],
    )


def _insert_slices(broadcast: Broadcast, last: int) -> None:
    database.execute_sql(
        """INSERT INTO send_slices (broadcast_id, lo, hi, n, state, not_before)
           SELECT %s, MIN(contact_id), MAX(contact_id), COUNT(*), 'open', UTC_TIMESTAMP(3)
             FROM (SELECT contact_id, ROW_NUMBER() OVER (ORDER BY contact_id) - 1 AS position
                     FROM sends
                    WHERE broadcast_id = %s AND contact_id > %s AND contact_id <= %s AND state = %s
                      AND variant_id > 0) AS chunk
            GROUP BY position DIV %s""",
        [
            broadcast.id,
            *(broadcast.id, broadcast.plan_cursor, last, SendState.PLANNED),
            settings.slice_size,
        ],
    )
