"""The fan-out's thread that moves old ledgers to S3, a step at a time, with rests for the mail of today."""

import logging
import threading

from sidecars.archive.parts import DamagedPart
from sidecars.broadcasts import archiving
from sidecars.models import database
from sidecars.settings import settings

log = logging.getLogger(__name__)

# A step takes about as long.
REST_SECONDS = 1.0
LOOK_EVERY_SECONDS = 60.0


def keep_archiving(stopping: threading.Event) -> None:
    """Looks each minute for what is due. Of many fan-out processes one is at it at a time."""
    while not stopping.is_set():
        stopping.wait(REST_SECONDS if _step() else LOOK_EVERY_SECONDS)


def _step() -> bool:
    """Whether something was done."""
    try:
        with database.connection_context():
            return any(map(_advance, archiving.due(settings.kiba_archive_after_days)))
    except archiving.Busy:
        return False
    except Exception:
        log.exception("archiving stopped, it is tried again in a minute")
        return False


def _advance(broadcast_id: int) -> bool:
    """One that somebody must look at holds up no other."""
    try:
        return archiving.advance(broadcast_id)
    except (archiving.NotArchivable, DamagedPart):
        log.exception("broadcast cannot be archived", extra={"broadcast_id": broadcast_id})
        return False
