"""One look at the broadcasts that are held: whose next wave has come, and is let go.

Any number of processes may look at once, and die at any line: what is done is done once, and the next look
does the rest. Times are the database's.
"""

import logging
from datetime import UTC, datetime

from sidecars.broadcasts import abtest, held, timezones, wakeups
from sidecars.broadcasts.finish import finish
from sidecars.broadcasts.states import BroadcastState
from sidecars.models import Broadcast, database
from sidecars.models.moments import from_now

log = logging.getLogger(__name__)


def look() -> None:
    """At all of them. What one cannot do now, as ClickHouse is away, holds up no other."""
    waiting = Broadcast.release_at.is_null() | (Broadcast.release_at <= from_now())
    due = Broadcast.select().where(Broadcast.state == BroadcastState.SENDING.value, Broadcast.held, waiting)
    for broadcast in due.order_by(Broadcast.id):
        try:
            _let_go(broadcast)
        except Exception:
            log.exception("a wave could not go, it is tried again", extra={"broadcast_id": broadcast.id})


def _let_go(broadcast: Broadcast) -> None:
    if broadcast.local_time:
        following = timezones.release_due(broadcast, _now())
        if following is not None:
            Broadcast.update(release_at=following).where(Broadcast.id == broadcast.id).execute()
    elif broadcast.release_at is None:
        abtest.begin_wait(broadcast)
        return
    else:
        abtest.send_rest(broadcast)
    held.end(broadcast.id)
    wakeups.send_soon(broadcast.id)
    finish(broadcast.id)


def _now() -> datetime:
    moment: datetime = database.execute_sql("SELECT UTC_TIMESTAMP(3)").fetchone()[0]
    return moment.replace(tzinfo=UTC)
