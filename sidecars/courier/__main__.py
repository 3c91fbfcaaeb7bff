"""`python -m sidecars.courier`: tells teams' apps what happened, by webhooks.

A process of its own, with a queue of its own, so that an app that hangs keeps no mail waiting. More
processes, here or on other machines, deliver more. SIGTERM drains: a turn ends after the requests at hand.
"""

import logging
import threading

from sidecars.callbacks import turn
from sidecars.courier.app import huey
from sidecars.courier.clock import keep_time
from sidecars.fanout.workers import Workers
from sidecars.settings import settings
from sidecars.telemetry import checks, health_server, setup

log = logging.getLogger(__name__)

# Longer than a request may take.
DRAIN_SECONDS = 20


def main() -> None:
    """Runs until a signal."""
    setup("courier")
    logging.getLogger("huey").setLevel(logging.WARNING)
    health = health_server(settings.courier_health_port, {"mysql": checks.mysql, "redis": checks.redis})
    stopping = threading.Event()
    threading.Thread(target=keep_time, args=(stopping,), name="clock", daemon=True).start()
    try:
        Workers(huey, settings.courier_workers, DRAIN_SECONDS, health, turn.draining.set).run()
    finally:
        stopping.set()
        log.info("stopped")
        health.close()


if __name__ == "__main__":
    main()
