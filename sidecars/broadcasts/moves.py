"""The two movers: no other code changes the state of a broadcast or of a send.

Each is one conditional UPDATE, so that of two processes that try the same move one makes it and the
other is told that nothing moved.
"""

import time
from collections.abc import Collection, Sequence
from typing import Any

from sidecars.broadcasts import spending
from sidecars.broadcasts.spending import UNSENT
from sidecars.broadcasts.states import (
    BroadcastState,
    Reason,
    SendState,
    check_broadcast_move,
    check_send_move,
)
from sidecars.models import Broadcast, database
from sidecars.models.moments import from_now

# InnoDB then locks the rows that it changes, and no gaps between them: workers, enrichers and imports
# write side by side.
READ_COMMITTED = "READ COMMITTED"

_AT_THE_EDGE = (SendState.ACCEPTED, SendState.UNKNOWN)
_HANDED_OVER = (*_AT_THE_EDGE, SendState.DELIVERED, SendState.BOUNCED)
_MOST_ATTEMPTS = 255  # what `sends.attempts` can hold


def move_broadcast(
    broadcast_id: int,
    leaving: Collection[BroadcastState],
    to: BroadcastState,
    *conditions: Any,
    **fields: Any,
) -> bool:
    """Moves the broadcast if it stands in one of `leaving` and meets the conditions. True: it moved.

    `conditions` are peewee expressions; `fields` are written with the move.
    """
    check_broadcast_move(leaving, to)
    moved = (
        Broadcast.update(state=to.value, updated_at=from_now(), **fields)
        .where(
            Broadcast.id == broadcast_id,
            Broadcast.state.in_([state.value for state in leaving]),
            *conditions,
        )
        .execute()
    )
    return bool(moved)


def move_sends(
    broadcast_id: int,
    contact_ids: Sequence[int],
    leaving: Collection[SendState],
    to: SendState,
    reason: Reason = Reason.NONE,
    *,
    edge: int = 0,
    attempts: int = 0,
) -> int:
    """Moves those of the contacts' sends that stand in one of `leaving`; returns how many moved.

    `leaving` holds states as they are stored: PLANNED for a claimed send. `edge` is an id of `edges`.
    `contact_ids` may be a range, of whom some got no mail or stand elsewhere: it is the cheapest to look up.
    """
    check_send_move(leaving, to)
    if not contact_ids:
        return 0
    unsent = UNSENT.intersection(leaving)
    sent = [state for state in leaving if state not in unsent]
    what = (to, reason, edge, attempts)
    if broadcast_id:
        if to in UNSENT:
            return _move_and_count(broadcast_id, contact_ids, sent, -1, *what)
        moved = _move(broadcast_id, contact_ids, sent, *what) if sent else 0
        if unsent and moved < len(contact_ids):  # a mail that was taken for unsent; seldom
            moved += _move_and_count(broadcast_id, contact_ids, unsent, 1, *what)
        return moved
    with database.atomic(READ_COMMITTED):
        if to in UNSENT:
            return _move_and_count(0, contact_ids, sent, -1, *what)
        moved = _move(0, contact_ids, sent, *what) if sent else 0
        _copy_states(contact_ids)
        if unsent and moved < len(contact_ids):
            moved += _move_and_count(0, contact_ids, unsent, 1, *what)
    return moved


def _move_and_count(
    broadcast_id: int,
    contact_ids: Sequence[int],
    leaving: Collection[SendState],
    sign: int,
    to: SendState,
    reason: Reason,
    edge: int,
    attempts: int,
) -> int:
    """Moves them, and takes (1) or gives back (-1) a credit for each that moved."""
    with database.atomic(READ_COMMITTED):
        if broadcast_id == 0:
            spending.of_emails(*_among(contact_ids), leaving, sign)
        moved = _move(broadcast_id, contact_ids, leaving, to, reason, edge, attempts)
        if broadcast_id == 0:
            _copy_states(contact_ids)
        else:
            spending.of_broadcast(broadcast_id, moved, sign)
    return moved


def _move(
    broadcast_id: int,
    contact_ids: Sequence[int],
    leaving: Collection[SendState],
    to: SendState,
    reason: Reason,
    edge: int,
    attempts: int,
) -> int:
    moment = int(time.time())
    among, parameters = _among(contact_ids)
    if isinstance(contact_ids, range):
        among += " AND variant_id > 0"  # what is held is no part of a slice (broadcasts/held.py)
    cursor = database.execute_sql(
        f"""UPDATE sends
               SET state = %s, reason = %s, edge = IF(%s = 0, edge, %s), attempts = GREATEST(attempts, %s),
                   accepted_at = IF(accepted_at = 0, %s, accepted_at), settled_at = %s
             WHERE broadcast_id = %s AND contact_id {among} AND state IN ({_places(leaving)})""",
        (
            int(to),
            int(reason),
            edge,
            edge,
            min(attempts, _MOST_ATTEMPTS),
            moment if to in _HANDED_OVER else 0,
            0 if to in _AT_THE_EDGE else moment,
            broadcast_id,
            *parameters,
            *leaving,
        ),
    )
    return int(cursor.rowcount)


def _copy_states(email_ids: Sequence[int]) -> None:
    """Mails of no broadcast are listed by their state, for which a ledger of broadcasts has no index."""
    among, parameters = _among(email_ids)
    database.execute_sql(
        f"""UPDATE emails e JOIN sends s ON s.broadcast_id = 0 AND s.contact_id = e.id
               SET e.state = s.state WHERE e.id {among}""",
        parameters,
    )


def put_back(broadcast_id: int, contact_ids: Sequence[int]) -> int:
    """Plans accepted sends anew, as if no edge had ever had them; returns how many."""
    check_send_move({SendState.ACCEPTED}, SendState.PLANNED)
    among, parameters = _among(contact_ids)
    cursor = database.execute_sql(
        f"""UPDATE sends SET state = %s, reason = %s, edge = 0, accepted_at = 0, settled_at = 0
             WHERE broadcast_id = %s AND contact_id {among} AND state = %s""",
        (SendState.PLANNED, Reason.NONE, broadcast_id, *parameters, SendState.ACCEPTED),
    )
    return int(cursor.rowcount)


def _among(contact_ids: Sequence[int]) -> tuple[str, list[int]]:
    """The condition and its parameters."""
    if isinstance(contact_ids, range):
        return "BETWEEN %s AND %s", [contact_ids[0], contact_ids[-1]]
    return f"IN ({_places(contact_ids)})", sorted(contact_ids)


def _places(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))
