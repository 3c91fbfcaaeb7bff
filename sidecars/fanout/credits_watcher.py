"""The fan-out's thread that tells teams when their credits run out, and edges whose have."""

import logging
import threading

from sidecars.edge.records import write_team
from sidecars.models import database, now
from sidecars.notices import outbox
from sidecars.settings import settings
from sidecars.usage.allowance import month_of, next_month

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 5.0
TOLD_PERCENT = (80, 100)


def keep_watching_credits(stopping: threading.Event) -> None:
    """Looks until `stopping`. Several processes may: a team is told each thing once."""
    out: set[int] = set()
    while not stopping.is_set():
        try:
            with database.connection_context():
                out = look(out)
        except Exception:
            log.exception("credits could not be looked at, it is tried again")
        stopping.wait(LOOK_EVERY_SECONDS)


def look(out_before: set[int]) -> set[int]:
    """Tells who has used 80 or 100 % of the month's credits; returns who is out of them.

    Edges are told of those who were not `out_before`, and of those who are not any more: the month is over,
    something was given back, or there is another limit.
    """
    month = month_of(now())
    out: set[int] = set()
    for team_id, taken, limit in _near_their_limit(month.isoformat()):
        for percent in TOLD_PERCENT:
            if taken * 100 >= limit * percent:
                facts = {"percent": percent, "taken": taken, "limit": limit, "next_month": next_month(month)}
                about = f"credits:{percent}"
                outbox.tell(team_id, "credits_used", about, f"{month:%Y-%m} {limit}", **facts)
        if taken >= limit:
            out.add(team_id)
    for team_id in out ^ out_before:
        write_team(team_id)
    return out


def _near_their_limit(month: str) -> list[tuple[int, int, int]]:
    """(team, credits taken, limit) of whoever has used as much as is told of."""
    rows = database.execute_sql(
        """SELECT t.id, u.broadcast + u.transactional AS taken, p.credits
             FROM usage_months u JOIN teams t ON t.id = u.team_id JOIN plans p
               ON p.id = COALESCE(t.plan_id, (SELECT id FROM plans WHERE name = %s))
            WHERE u.month = %s AND p.credits IS NOT NULL
              AND (u.broadcast + u.transactional) * 100 >= p.credits * %s""",
        (settings.default_plan, month, min(TOLD_PERCENT)),
    ).fetchall()
    return [(team_id, int(taken), int(limit)) for team_id, taken, limit in rows]
