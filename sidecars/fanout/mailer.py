"""The fan-out's threads that hand apps' mail to the edge, apart from the workers: no broadcast delays it."""

import logging
import threading

from sidecars.models import database
from sidecars.transactional import wakeup
from sidecars.transactional.handover import hand_over_next

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1


def keep_mailing(stopping: threading.Event) -> None:
    """Hands over what is due till nothing is, then waits for a word that more is, or a second."""
    while not stopping.is_set():
        try:
            _hand_over_all(stopping)
            wakeup.wait(LOOK_EVERY_SECONDS)
        except Exception:
            log.exception("mail could not be handed over, it is tried again")
            stopping.wait(LOOK_EVERY_SECONDS)


def _hand_over_all(stopping: threading.Event) -> None:
    with database.connection_context():
        while not stopping.is_set() and hand_over_next():
            pass
