"""What teams' apps are told of a broadcast, in the transaction in which it happens."""

from sidecars.broadcasts.states import BroadcastState
from sidecars.callbacks import feed
from sidecars.callbacks.events import EventType
from sidecars.models import Broadcast, now


def tell_finished(broadcast_id: int) -> None:
    """It was sent or cancelled, and nothing more of it is begun. Of a stopped one that is known already."""
    broadcast = Broadcast.get_by_id(broadcast_id)
    if broadcast.state != BroadcastState.STOPPED.value:
        _tell(broadcast, "broadcast.finished")


def tell_stopped(broadcast_id: int) -> None:
    """It stopped itself: for good, or paused till its people let it go on."""
    _tell(Broadcast.get_by_id(broadcast_id), "broadcast.stopped")


def _tell(broadcast: Broadcast, type_: EventType) -> None:
    data = {
        "broadcast_id": f"bc_{broadcast.id}",
        "name": broadcast.name,
        "state": broadcast.state,
        "reason": broadcast.reason,
    }
    feed.tell(broadcast.team_id, type_, f"broadcast:{broadcast.id}", now(), data, "broadcast")
