"""Holding a broadcast back while it is on its way: pause, resume, cancel, stop.

It holds for what waits here and for what edges have taken and not yet begun to send: MySQL says so first,
then Redis tells the edges. A slice that a worker holds is finished; the edge does with its mails as with the
others. A broadcast that was sent can be held back for as long as an edge has mails of it.
"""

import logging

from peewee import Function, fn
from redis.exceptions import RedisError

from sidecars.broadcasts import held, spending, wakeups
from sidecars.broadcasts.apps import tell_stopped
from sidecars.broadcasts.errors import WrongState
from sidecars.broadcasts.finish import finish
from sidecars.broadcasts.moves import move_broadcast, move_sends
from sidecars.broadcasts.slices import close, open_again, take_slice
from sidecars.broadcasts.states import BROADCAST_MOVES, BroadcastState, Reason, SendState
from sidecars.edge import holds
from sidecars.models import Broadcast, Send, database
from sidecars.models.moments import from_now
from sidecars.notices import outbox

log = logging.getLogger(__name__)


def pause(broadcast_id: int, reason: str = "") -> None:
    """No mail of it begins until `resume`, and nothing is planned or claimed. Raises WrongState.

    `reason` is for its people, where it is not they who pause it.
    """
    _hold_back(broadcast_id, BroadcastState.PAUSED, reason=reason[:255])


def resume(broadcast_id: int) -> None:
    """Goes on where `pause` stopped it, here and at the edges. Raises WrongState."""
    unplanned = Broadcast.planned_at.is_null()
    paused = {BroadcastState.PAUSED}
    fields = {"reason": "", "resumed_at": from_now()}
    if move_broadcast(broadcast_id, paused, BroadcastState.PLANNING, unplanned, **fields):
        wakeups.plan_soon(broadcast_id)
    elif move_broadcast(broadcast_id, paused, BroadcastState.SENDING, **fields):
        wakeups.send_soon(broadcast_id)
    else:
        raise WrongState(Broadcast.get_by_id(broadcast_id).state)
    database.after_commit(tell_edges)


def cancel(broadcast_id: int) -> None:
    """Ends the broadcast; whoever's mail has not begun gets none, whether an edge has it or not.

    What is at an edge is cancelled when the edge has said so. Raises WrongState.
    """
    _hold_back(broadcast_id, BroadcastState.CANCELLED)
    cancel_rest(broadcast_id)


def stop(broadcast_id: int, reason: str) -> None:
    """Ends the broadcast as `cancel` does, by a policy, with a reason for its people. Raises WrongState."""
    with database.atomic():
        _hold_back(broadcast_id, BroadcastState.STOPPED, reason=reason[:255])
        tell_stopped(broadcast_id)
    cancel_rest(broadcast_id)


def stop_and_tell(broadcast_id: int, reason: str) -> None:
    """Stops it, and lets its people know by a notice. Raises WrongState."""
    with database.atomic():
        stop(broadcast_id, reason)
        broadcast = Broadcast.get_by_id(broadcast_id)
        about, facts = f"broadcast:{broadcast_id}", {"name": broadcast.name, "reason": reason}
        outbox.tell(broadcast.team_id, "broadcast_stopped", about, "", **facts)


def tell_edges() -> None:
    """What is held back, as MySQL has it. Where Redis is away the clock tells it later."""
    try:
        holds.write()
    except RedisError as error:
        log.warning("edges not told what is held back, the clock tells them", extra={"error": str(error)})


def cancel_rest(broadcast_id: int) -> int:
    """Cancels what is still planned, slice by slice; returns how many sends.

    A slice that a worker holds is left to it. Should it come back with mails that the edge had no time for,
    the clock calls this again.
    """
    cancelled = 0
    while piece := take_slice(broadcast_id):
        cancelled += move_sends(
            broadcast_id, piece.contact_ids, {SendState.PLANNED}, SendState.CANCELLED, Reason.CANCELLED
        )
        if not close(piece):
            open_again(piece)
    cancelled += held.cancel(broadcast_id)
    finish(broadcast_id)
    return cancelled


def _hold_back(broadcast_id: int, to: BroadcastState, **fields: str) -> None:
    leading = {state for state, targets in BROADCAST_MOVES.items() if to in targets}
    sent = {BroadcastState.SENT}
    with database.atomic():
        moved = move_broadcast(broadcast_id, leading - sent, to, **fields) or move_broadcast(
            broadcast_id, sent, to, _is_at_an_edge(broadcast_id), finished_at=None, **fields
        )
        if not moved:
            raise WrongState(Broadcast.get_by_id(broadcast_id).state)
        if to is not BroadcastState.PAUSED:
            spending.release(broadcast_id)
    database.after_commit(tell_edges)


def _is_at_an_edge(broadcast_id: int) -> Function:
    accepted = (Send.broadcast_id == broadcast_id, Send.state == SendState.ACCEPTED)
    return fn.EXISTS(Send.select(Send.contact_id).where(*accepted))
