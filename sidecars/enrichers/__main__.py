"""The enricher: raw topics in, ClickHouse's topics and the ledger out.

As many may run as there are partitions; they share them by themselves.
"""

import gc
import logging
import signal
import threading

from kafka.errors import KafkaError

from sidecars import names, streams, telemetry
from sidecars.enrichers.handlers import HANDLERS
from sidecars.enrichers.loop import Loop
from sidecars.settings import settings
from sidecars.telemetry import checks

RETRY_SECONDS = 1.0

log = logging.getLogger("sidecars.enrichers")


def main() -> None:
    """Runs until SIGTERM or SIGINT, then finishes the records at hand."""
    telemetry.setup("enricher")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())

    loop = _connect(stopping)
    if loop is not None:
        health = telemetry.health_server(
            settings.enricher_health_port,
            {
                "mysql": checks.mysql,
                "redis": checks.redis,
                "assignment": loop.check_assignment,
                "lag": loop.check_lag,
            },
        )
        threading.Thread(target=_tell_when_draining, args=(stopping, health), daemon=True).start()
        _collect_rarely()
        loop.run(stopping)
        health.close()
    log.info("stopped")


def _connect(stopping: threading.Event) -> Loop | None:
    """Waits for Kafka for as long as it takes; None where SIGTERM came first."""
    while not stopping.is_set():
        try:
            return Loop(
                HANDLERS, streams.consumer(names.ENRICHER_GROUP, names.RAW_TOPICS), streams.producer()
            )
        except KafkaError as error:
            log.warning("kafka does not answer; trying again", extra={"error": repr(error)})
            stopping.wait(RETRY_SECONDS)
    return None


def _collect_rarely() -> None:
    """A batch makes thousands of objects, which die with it by their reference counts.

    To look for cycles among them after every 700, as Python does by default, finds none. But some there are:
    kafka-python leaves cycles that hold a record each, and at 50,000 this process grew by 60 bytes an event.
    """
    gc.freeze()
    gc.set_threshold(5_000)


def _tell_when_draining(stopping: threading.Event, health: telemetry.HealthServer) -> None:
    stopping.wait()
    health.draining()


if __name__ == "__main__":
    main()
