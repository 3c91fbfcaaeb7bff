"""The end of a broadcast: no slice of it is open or claimed any more, and nothing is held."""

import logging
from typing import Any

from peewee import fn

from sidecars.broadcasts.apps import tell_finished
from sidecars.broadcasts.moves import move_broadcast
from sidecars.broadcasts.states import BroadcastState
from sidecars.models import Broadcast, SendSlice, database, now

log = logging.getLogger(__name__)


def finish(broadcast_id: int) -> bool:
    """Closes a broadcast whose last slice is done. True: this call closed it.

    `sent` says that every recipient was handed to the edge or settled without; what the edge holds may
    still be on its way, and its bounces are still counted.
    """
    if _slices_left(broadcast_id).exists():
        return False  # nearly always, and cheaper than an UPDATE that finds the same
    with database.atomic():
        finished = _close(broadcast_id)
        if finished:
            tell_finished(broadcast_id)
    if finished:
        log.info("broadcast finished", extra={"broadcast_id": broadcast_id})
    return finished


def _close(broadcast_id: int) -> bool:
    if move_broadcast(
        broadcast_id,
        {BroadcastState.SENDING},
        BroadcastState.SENT,
        ~Broadcast.held,
        ~fn.EXISTS(_slices_left(broadcast_id)),
        finished_at=now(),
    ):
        return True
    ended = (BroadcastState.CANCELLED.value, BroadcastState.STOPPED.value)
    return bool(
        Broadcast.update(finished_at=now())
        .where(
            Broadcast.id == broadcast_id,
            Broadcast.state.in_(ended),
            Broadcast.finished_at.is_null(),
            ~Broadcast.held,
            ~fn.EXISTS(_slices_left(broadcast_id)),
        )
        .execute()
    )


def _slices_left(broadcast_id: int) -> Any:
    return SendSlice.select().where(
        SendSlice.broadcast == broadcast_id, SendSlice.state.in_(("open", "claimed"))
    )
