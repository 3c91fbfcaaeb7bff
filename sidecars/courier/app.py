"""The courier's task. It is a wake-up: what is to be delivered stands in MySQL, and the clock wakes again.

Workers are threads, and each is at one endpoint at a time (`callbacks/turn.py`).
"""

import threading

from huey import RedisHuey

from sidecars import names
from sidecars.callbacks.turn import take_turn
from sidecars.edge.store import connections
from sidecars.settings import settings

huey = RedisHuey(
    names.COURIER_QUEUE, connection_pool=connections(), results=False, blocking=True, read_timeout=1
)

# Endpoints that fail or are slow have at most every second worker, however many they are.
SLOW_WORKERS = max(1, settings.courier_workers // 2)
_for_slow = threading.BoundedSemaphore(SLOW_WORKERS)


@huey.task(name="DeliverToEndpoint")  # type: ignore[untyped-decorator]
def deliver_to_endpoint(endpoint_id: int, is_slow: bool) -> None:
    """Gives the endpoint a turn, and another one where more is due."""
    if is_slow and not _for_slow.acquire(blocking=False):
        return  # the clock wakes for it again
    try:
        more = take_turn(endpoint_id)
    finally:
        if is_slow:
            _for_slow.release()
    if more and not is_slow:
        deliver_to_endpoint(endpoint_id, is_slow)
