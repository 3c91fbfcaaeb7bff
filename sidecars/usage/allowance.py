"""Credits: one is one mail to one recipient, of a UTC month and a stream.

A credit is held from the moment that a mail is planned (of a broadcast: published), and given back where it
turns out that none goes out. So a row of `usage_months` is at any moment the number of sends that are neither
skipped, rejected nor cancelled, and what published broadcasts still reserve. Taken and given back in the
transaction that writes or moves the sends.
"""

import time
from datetime import UTC, date, datetime

from sidecars.models import database, now
from sidecars.usage import plans

BROADCAST = "broadcast"
TRANSACTIONAL = "transactional"
STREAMS = (BROADCAST, TRANSACTIONAL)
# Of mails of no broadcast. Ours to a team's people, and asking readers to confirm, cost nothing.
COUNTED_SOURCES = ("api", "smtp", "test")

_known_out: dict[int, tuple[float, "OutOfCredits"]] = {}


class OutOfCredits(Exception):
    """The team may not use so many more this month; the text tells the figures."""

    def __init__(self, wanted: int, limit: int, left: int, month: date) -> None:
        until = next_month(month)
        super().__init__(
            f"This takes {wanted:,} {'credit' if wanted == 1 else 'credits'}, and {left:,} of the "
            f"{limit:,} that the team has in {month:%Y-%m} are left. The next month begins on {until} (UTC)."
        )
        self.wanted, self.left = wanted, left


def month_of(moment: datetime) -> date:
    """The first day of its month, in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    """Its first day."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def take(team_id: int, stream: str, wanted: int, month: date, limit: int | None = None) -> None:
    """Takes so many, or none and raises OutOfCredits where the month would have more than `limit`.

    One statement: of two at once one waits for the other's transaction.
    """
    if wanted == 0:
        return
    column = _column(stream)
    taken = f"VALUES({column})"
    if limit is not None:
        taken = f"IF(broadcast + transactional + {taken} <= %s, {taken}, 0)"
        if wanted > limit:
            raise _out(team_id, wanted, limit, month)
    cursor = database.execute_sql(
        f"""INSERT INTO usage_months (team_id, month, {column}) VALUES (%s, %s, %s)
            ON DUPLICATE KEY UPDATE {column} = {column} + {taken}""",
        [team_id, month, wanted, *([] if limit is None else [limit])],
    )
    if not cursor.rowcount:
        raise _out(team_id, wanted, int(limit or 0), month)


def give_back(team_id: int, stream: str, number: int, month: date) -> None:
    """Undoes `take`."""
    take(team_id, stream, -number, month)


def taken(team_id: int, month: date) -> int:
    """How many the team's mails hold."""
    row = database.execute_sql(
        "SELECT broadcast + transactional FROM usage_months WHERE team_id = %s AND month = %s",
        (team_id, month),
    ).fetchone()
    return int(row[0]) if row else 0


def left(team_id: int) -> int | None:
    """How many it may still take this month; None: any number."""
    plan = plans.of(team_id)
    if plan is None or plan.credits is None:
        return None
    return max(0, int(plan.credits) - taken(team_id, month_of(now())))


def refuse_known(team_id: int, wanted: int) -> None:
    """Raises OutOfCredits where this process was told of late that so many are not left.

    So that who asks on and on in vain does not have others' transactions undone.
    """
    known = _known_out.get(team_id)
    if known is None:
        return
    until, error = known
    if until < time.monotonic():
        _known_out.pop(team_id, None)
    elif wanted > error.left:
        raise error


def _out(team_id: int, wanted: int, limit: int, month: date) -> OutOfCredits:
    error = OutOfCredits(wanted, limit, max(0, limit - taken(team_id, month)), month)
    _known_out[team_id] = (time.monotonic() + plans.KEPT_SECONDS, error)
    return error


def _column(stream: str) -> str:
    return BROADCAST if stream == BROADCAST else TRANSACTIONAL
