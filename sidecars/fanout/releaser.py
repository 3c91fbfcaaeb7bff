"""The fan-out's thread that lets waves go: the rest of A/B tests, and readers whose hour has come."""

import logging
import threading

from sidecars.broadcasts import waves
from sidecars.models import database
from sidecars.settings import settings

log = logging.getLogger(__name__)


def keep_releasing(stopping: threading.Event) -> None:
    """Looks until `stopping`, as often as the clock; apart from it, as ClickHouse may be slow."""
    while not stopping.is_set():
        try:
            with database.connection_context():
                waves.look()
        except Exception:
            log.exception("waves could not be looked at, it is tried again")
        stopping.wait(settings.clock_seconds)
