"""The fan-out's thread that mails those who are to confirm that they want a list's mail."""

import logging
import threading

from sidecars.audiences.confirmation_mails import mail_waiting
from sidecars.models import database

log = logging.getLogger(__name__)

# People wait for it before their inbox.
LOOK_EVERY_SECONDS = 1.0
# While some wait for an edge.
TRY_EVERY_SECONDS = 5.0


def keep_confirming(stopping: threading.Event) -> None:
    """Looks until `stopping`. Several processes may: a person gets each mail once."""
    while not stopping.is_set():
        pause = TRY_EVERY_SECONDS
        try:
            with database.connection_context():
                if not mail_waiting():
                    pause = LOOK_EVERY_SECONDS
        except Exception:
            log.exception("nobody could be asked to confirm, it is tried again")
        stopping.wait(pause)
