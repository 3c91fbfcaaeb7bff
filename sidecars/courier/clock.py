"""The courier's clock: wakes a worker for each endpoint that has something due, and sweeps what is old."""

import logging
import threading
import time

from sidecars.callbacks import deliveries
from sidecars.courier.app import SLOW_WORKERS, deliver_to_endpoint, huey
from sidecars.models import database
from sidecars.settings import settings
from sidecars.telemetry import CALLBACKS_LATE

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.2
SWEEP_EVERY_SECONDS = 30.0


def keep_time(stopping: threading.Event) -> None:
    """Looks until `stopping`. Of several clocks each wakes workers, who find that another was first."""
    swept = 0.0
    while not stopping.is_set():
        try:
            with database.connection_context():
                wake_workers()
                if time.monotonic() > swept + SWEEP_EVERY_SECONDS:
                    CALLBACKS_LATE.set(deliveries.lateness())
                    if not deliveries.sweep():
                        swept = time.monotonic()
        except Exception:
            log.exception("the clock could not finish its look, it tries again")
            stopping.wait(1.0)
        stopping.wait(LOOK_EVERY_SECONDS)


def wake_workers() -> None:
    """While not enough tasks wait already; for no more slow endpoints than workers may be at."""
    if huey.pending_count() >= settings.courier_workers:
        return
    slow = 0
    for endpoint in deliveries.due_endpoints():
        is_slow = bool(endpoint.failures or endpoint.is_slow)
        slow += is_slow
        if not is_slow or slow <= SLOW_WORKERS:
            deliver_to_endpoint(endpoint.id, is_slow)
