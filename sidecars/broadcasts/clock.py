"""The clock: finds the work that no wake-up came for, so that nothing waits for a task that was lost.

Any number of clocks may tick at once: every step is a conditional move or a wake-up too many.
"""

import logging
from contextlib import suppress

import clickhouse_driver.errors

from sidecars.audiences.segments.engagement import forget_old
from sidecars.broadcasts import wakeups
from sidecars.broadcasts.control import cancel_rest, stop_and_tell, tell_edges
from sidecars.broadcasts.errors import NotPublishable, WrongState
from sidecars.broadcasts.finish import finish
from sidecars.broadcasts.publish import publish
from sidecars.broadcasts.slices import is_due
from sidecars.broadcasts.states import BroadcastState
from sidecars.models import Broadcast, SendSlice
from sidecars.models.moments import from_now, is_over
from sidecars.settings import settings

log = logging.getLogger(__name__)

# A planner writes after each chunk; one that has not for so long is dead, or was never woken.
PLANNING_SILENCE_SECONDS = 5


def tick(queued: int = 0) -> None:
    """One look at everything. `queued` is how many tasks wait already: enough of them, and none is added."""
    publish_due()
    wake_planners()
    tell_edges()
    forget_old()
    for broadcast in _unfinished():
        open_expired(broadcast.id)
        if broadcast.state == BroadcastState.SENDING.value:
            finish(broadcast.id)
            if queued < settings.fanout_workers and _has_due_slice(broadcast.id):
                wakeups.send_soon(broadcast.id)
        elif broadcast.state != BroadcastState.PAUSED.value:
            cancel_rest(broadcast.id)


def publish_due() -> None:
    """Publishes what was scheduled for this moment or before; stops what can no longer go out."""
    due = Broadcast.select(Broadcast.id).where(
        Broadcast.state == BroadcastState.SCHEDULED.value, Broadcast.scheduled_at <= from_now()
    )
    for broadcast in due:
        # WrongState: another clock was first, or its people changed their mind.
        with suppress(WrongState):
            try:
                _publish_or_stop(broadcast.id)
            except (clickhouse_driver.errors.Error, OSError) as error:
                log.warning("who engaged is not known, the next tick asks again", extra={"error": str(error)})


def _publish_or_stop(broadcast_id: int) -> None:
    try:
        publish(broadcast_id)
    except NotPublishable as error:
        log.warning("scheduled broadcast stopped", extra={"broadcast_id": broadcast_id, "error": str(error)})
        stop_and_tell(broadcast_id, str(error))


def wake_planners() -> None:
    """Wakes a planner for each broadcast whose planning makes no progress; of many clocks one wakes it."""
    silent = (
        Broadcast.state == BroadcastState.PLANNING.value,
        is_over(f"updated_at + INTERVAL {PLANNING_SILENCE_SECONDS} SECOND", longest=PLANNING_SILENCE_SECONDS),
    )
    for broadcast in Broadcast.select(Broadcast.id).where(*silent):
        if Broadcast.update(updated_at=from_now()).where(Broadcast.id == broadcast.id, *silent).execute():
            wakeups.plan_soon(broadcast.id)


def open_expired(broadcast_id: int) -> int:
    """Opens the slices of workers that let their lease run out; returns how many."""
    expired = (SendSlice.state == "claimed", is_over("lease_until", longest=settings.lease_seconds))
    opened = (
        SendSlice.update(state="open", claim=None, lease_until=None, not_before=from_now())
        .where(SendSlice.broadcast == broadcast_id, *expired)
        .execute()
    )
    if opened:
        log.warning("leases expired", extra={"broadcast_id": broadcast_id, "slices": opened})
    return int(opened)


def _unfinished() -> list[Broadcast]:
    """What may have slices left: being sent or paused, or ended while a worker held one."""
    states = (
        BroadcastState.SENDING,
        BroadcastState.PAUSED,
        BroadcastState.CANCELLED,
        BroadcastState.STOPPED,
    )
    return list(
        Broadcast.select(Broadcast.id, Broadcast.state).where(
            Broadcast.state.in_([state.value for state in states]), Broadcast.finished_at.is_null()
        )
    )


def _has_due_slice(broadcast_id: int) -> bool:
    return SendSlice.select().where(SendSlice.broadcast == broadcast_id, *is_due()).exists()
