"""Reading the ledger: where every recipient of a broadcast stands."""

import time
from collections import Counter
from dataclasses import dataclass

from sidecars.archive.sends import archived_counts, is_archived
from sidecars.broadcasts.states import BroadcastState, Reason, SendState
from sidecars.models import Broadcast, database

RATE_SECONDS = 10


@dataclass(frozen=True)
class Progress:
    """A broadcast under way. `rate` is mails a second of late; `eta_seconds` None where it cannot be told."""

    state: str
    planned_total: int
    counts: dict[str, int]
    reasons: dict[str, int]
    rate: float
    eta_seconds: float | None


def counts(broadcast_id: int) -> dict[str, int]:
    """Sends by state, in words, each state named; `total` is their sum and equals `planned_total`.

    `accepted` are at the edge, on their first attempt or deferred. The ledger is read as of one moment.
    """
    return _read(broadcast_id).counts


def progress(broadcast_id: int) -> Progress:
    """Counts, reasons, speed and time left."""
    broadcast = Broadcast.get_by_id(broadcast_id)
    now = time.time()
    began = broadcast.planned_at.timestamp() if broadcast.planned_at else now
    span = max(1.0, min(RATE_SECONDS, now - began))
    ledger = _read(broadcast_id, since=int(now - span))
    rate = ledger.recent / span
    left = ledger.counts["planned"] + ledger.counts["claimed"]
    moving = broadcast.state == BroadcastState.SENDING.value and rate > 0
    return Progress(
        state=broadcast.state,
        planned_total=broadcast.planned_total,
        counts=ledger.counts,
        reasons=ledger.reasons,
        rate=round(rate, 1),
        eta_seconds=round(left / rate, 1) if moving else None,
    )


@dataclass(frozen=True)
class _Reading:
    counts: dict[str, int]
    reasons: dict[str, int]
    recent: int


def _read(broadcast_id: int, since: int = 0) -> _Reading:
    with database.atomic("REPEATABLE READ"):
        if is_archived(broadcast_id):
            rows = [(*counted, 0) for counted in archived_counts(broadcast_id)]
        else:
            rows = database.execute_sql(
                """SELECT state, reason, COUNT(*), SUM(accepted_at >= %s) FROM sends
                    WHERE broadcast_id = %s GROUP BY state, reason""",
                (since, broadcast_id),
            ).fetchall()
        claimed = database.execute_sql(
            """SELECT COUNT(*) FROM send_slices p
                 JOIN sends s ON s.broadcast_id = p.broadcast_id AND s.contact_id BETWEEN p.lo AND p.hi
                WHERE p.broadcast_id = %s AND p.state = 'claimed' AND s.state = %s""",
            (broadcast_id, SendState.PLANNED),
        ).fetchone()[0]
    states: Counter[SendState] = Counter()
    reasons: Counter[Reason] = Counter()
    for state, reason, number, _ in rows:
        states[SendState(state)] += number
        reasons[Reason(reason)] += number
    states[SendState.PLANNED] -= claimed
    states[SendState.CLAIMED] = claimed
    return _Reading(
        counts={state.name.lower(): states[state] for state in SendState} | {"total": states.total()},
        reasons={reason.name.lower(): reasons[reason] for reason in sorted(reasons) if reason},
        recent=sum(int(recent) for *_, recent in rows),
    )
