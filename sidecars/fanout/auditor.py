"""The fan-out's thread that audits the books of recent broadcasts. One process does at a time."""

import logging
import threading
import time

from sidecars.archive.parts import DamagedPart
from sidecars.broadcasts.audit import audit, recent
from sidecars.models import database
from sidecars.telemetry import BOOKS_AUDITED, BOOKS_DIFFERENCE

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 60.0
# After each broadcast it rests so many times as long as that took: a tenth of a thread, whatever their size.
REST = 9
LOCK = "CONCAT(DATABASE(), '.audit')"


def keep_auditing(stopping: threading.Event) -> None:
    """Until `stopping`. The lock goes with the connection, which is kept from one look to the next."""
    while not stopping.is_set():
        try:
            with database.connection_context():
                while not stopping.is_set() and _is_ours():
                    look(stopping)
                    stopping.wait(LOOK_EVERY_SECONDS)
        except Exception:
            log.exception("the books could not be audited, it is tried again in a minute")
        BOOKS_DIFFERENCE.clear()
        stopping.wait(LOOK_EVERY_SECONDS)


def look(stopping: threading.Event) -> None:
    """Audits the books of each recent broadcast, and tells the result as a metric."""
    wrong: dict[str, int] = {}
    for broadcast in recent():
        began = time.monotonic()
        try:
            if mails := audit(broadcast):
                wrong[str(broadcast.id)] = mails
        except DamagedPart:  # one that somebody must look at holds up no other
            log.exception("books could not be audited", extra={"broadcast_id": broadcast.id})
        if stopping.wait(REST * (time.monotonic() - began)):
            return
    BOOKS_DIFFERENCE.clear()
    for broadcast_id, mails in wrong.items():
        BOOKS_DIFFERENCE.labels(broadcast_id).set(mails)
    BOOKS_AUDITED.set_to_current_time()


def _is_ours() -> bool:
    return bool(database.execute_sql(f"SELECT GET_LOCK({LOCK}, 0)").fetchone() == (1,))
