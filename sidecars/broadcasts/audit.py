"""The standing audit: are the books of recent broadcasts right, leaving out what can still be on its way?

`balance` shows the books as they are at this moment. While mail flows they always differ by what happened in
the last second or two, which nobody should be woken for.
"""

import logging
from datetime import timedelta
from itertools import islice

from sidecars.broadcasts import ledger
from sidecars.broadcasts.compare import differing
from sidecars.models import Broadcast, now

log = logging.getLogger(__name__)

# Of a mail of which ledger and ClickHouse tell differently for longer, one of them was never told.
GRACE = timedelta(minutes=2)
# How long after a broadcast's end its books are looked at.
RECENT = timedelta(days=2)
MOST_COUNTED = 10_000
MESSAGES_LOGGED = 5


def recent() -> list[Broadcast]:
    """The broadcasts that are planned, and under way or ended lately, the oldest first."""
    under_way_or_late = Broadcast.finished_at.is_null() | (Broadcast.finished_at > now() - RECENT)
    planned = Broadcast.select().where(Broadcast.planned_at.is_null(False), under_way_or_late)
    return list(planned.order_by(Broadcast.id))


def audit(broadcast: Broadcast, grace: timedelta = GRACE) -> int:
    """By how many mails the books are wrong, MOST_COUNTED at most; logs the first of them.

    Counted are mails of which ledger and ClickHouse have told differently for longer than `grace`, and rows
    too few or too many in the ledger. Raises clickhouse_driver.errors.Error or OSError where ClickHouse does
    not answer.
    """
    until = now() - grace
    odd = [each for each in islice(differing(broadcast), MOST_COUNTED) if each.since < until]
    wrong = abs(broadcast.planned_total - ledger.counts(broadcast.id)["total"]) + len(odd)
    if wrong:
        log.error(
            "books differ",
            extra={
                "broadcast_id": broadcast.id,
                "team_id": broadcast.team_id,
                "mails": wrong,
                "message_ids": [str(each.message_id) for each in odd[:MESSAGES_LOGGED]],
            },
        )
    return wrong
