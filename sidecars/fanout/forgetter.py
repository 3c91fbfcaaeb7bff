"""The fan-out's thread that deletes what was kept for people to fetch, once they had the time to."""

import logging
import threading

from sidecars.audiences import exporting
from sidecars.models import database

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 600.0


def keep_forgetting(stopping: threading.Event) -> None:
    """Looks every ten minutes. Any number of them may be at it at once."""
    while not stopping.is_set():
        try:
            with database.connection_context():
                exporting.forget_old()
        except Exception:
            log.exception("old files could not be deleted, it is tried again")
        stopping.wait(LOOK_EVERY_SECONDS)
