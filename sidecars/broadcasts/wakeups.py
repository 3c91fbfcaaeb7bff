"""Asking for work to be done now instead of at the clock's next look.

The queue lives above this package: `fanout/app.py` connects its tasks here when it is imported. A wake-up
may be lost or never connected; the ledger is the work list, and the clock finds what nobody was woken for.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

Wakeup = Callable[[int], object]
_connected: dict[str, Wakeup] = {}


def connect(*, plan: Wakeup, send: Wakeup) -> None:
    """`plan` queues the planning of a broadcast id, `send` one slice of it."""
    _connected.update(plan=plan, send=send)


def plan_soon(broadcast_id: int) -> None:
    """The broadcast waits to be planned."""
    _wake("plan", broadcast_id)


def send_soon(broadcast_id: int) -> None:
    """The broadcast has slices to send. One call is enough: a worker that gets one calls for the next."""
    _wake("send", broadcast_id)


def _wake(what: str, broadcast_id: int) -> None:
    wakeup = _connected.get(what)
    if wakeup is None:
        return
    try:
        wakeup(broadcast_id)
    except Exception as error:  # whatever ails the queue, what was committed stands
        log.warning(
            "wake-up lost, the clock will find the work",
            extra={"broadcast_id": broadcast_id, "wakeup": what, "error": str(error)},
        )
