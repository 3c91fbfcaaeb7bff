"""The fan-out's thread that mails teams what happened. The edge may be busy; no other mail waits."""

import logging
import threading

from sidecars.accounts import mails
from sidecars.models import database
from sidecars.notices.mailing import mail_waiting

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 2.0
# While some wait for an edge, or for the domain of NOTICES_FROM.
TRY_EVERY_SECONDS = 20.0


def keep_notifying(stopping: threading.Event) -> None:
    """Looks until `stopping`. Several processes may: a person gets each notice once."""
    while not stopping.is_set():
        pause = TRY_EVERY_SECONDS
        try:
            with database.connection_context():
                if mail_waiting() + mails.mail_waiting() == 0:
                    pause = LOOK_EVERY_SECONDS
        except Exception:
            log.exception("notices could not be mailed, it is tried again")
        stopping.wait(pause)
