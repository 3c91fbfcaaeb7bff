"""What sends cost: credits that publishing reserves, planning gives to sends, and unsent mails give back.

A broadcast's credits are of the month in which it was published, those of any other mail of the month in
which it came.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, date
from functools import lru_cache
from typing import Any

from sidecars.archive.sends import archived_counts
from sidecars.broadcasts.recipients import chosen_and_wanted
from sidecars.broadcasts.states import BroadcastState, SendState
from sidecars.models import Broadcast, UsageMonth, database, now
from sidecars.usage import allowance, plans
from sidecars.usage.allowance import BROADCAST, COUNTED_SOURCES, STREAMS, OutOfCredits, month_of

# Sends of which no mail went out. All others hold a credit.
UNSENT = frozenset({SendState.SKIPPED, SendState.REJECTED, SendState.CANCELLED})
_UNSENT = ", ".join(str(int(state)) for state in sorted(UNSENT))
_SOURCES = ", ".join(f"'{source}'" for source in COUNTED_SOURCES)

# (first day of the month, stream) → credits.
Months = Counter[tuple[date, str]]


def month(broadcast: Broadcast) -> date:
    """Whose credits a published broadcast uses."""
    return month_of(broadcast.published_at or broadcast.created_at)


def reserve(broadcast: Broadcast) -> int | None:
    """Takes the credits of all who would get the broadcast now; returns how many, None without a limit.

    In the transaction that publishes it. Raises OutOfCredits, and what `recipients.chosen` does.
    """
    limit = _limit(broadcast.team_id)
    if limit is None:
        return None
    wanted = chosen_and_wanted(broadcast)
    allowance.take(broadcast.team_id, BROADCAST, wanted, month(broadcast), limit)
    return wanted


def check(broadcast: Broadcast) -> None:
    """Raises OutOfCredits where `reserve` would, as of this moment."""
    left = allowance.left(broadcast.team_id)
    if left is not None and (wanted := chosen_and_wanted(broadcast)) > left:
        raise OutOfCredits(wanted, _limit(broadcast.team_id) or 0, left, month_of(now()))


def plan(broadcast: Broadcast, planned: int) -> tuple[int | None, int]:
    """Gives credits to sends just planned; returns what is reserved still, and how many sends got none.

    What publishing did not reserve, as people came since, is taken where it is left. Who published without a
    limit has none. In the transaction that plans, which holds the broadcast's row.
    """
    if broadcast.reserved is None:
        allowance.take(broadcast.team_id, BROADCAST, planned, month(broadcast))
        return None, 0
    over = max(0, planned - broadcast.reserved)
    try:
        allowance.take(broadcast.team_id, BROADCAST, over, month(broadcast), _limit(broadcast.team_id))
    except OutOfCredits:
        return 0, over
    return max(0, broadcast.reserved - planned), 0


def release(broadcast_id: int) -> None:
    """Gives back what is reserved still: it is planned, or ended. In the transaction that says so."""
    row = Broadcast.select().where(Broadcast.id == broadcast_id).for_update().get()
    if row.reserved:
        allowance.give_back(row.team_id, BROADCAST, row.reserved, month(row))
        Broadcast.update(reserved=0).where(Broadcast.id == broadcast_id).execute()


def of_broadcast(broadcast_id: int, moved: int, sign: int) -> None:
    """Takes (1) or gives back (-1) the credits of so many sends of a broadcast."""
    if moved:
        team_id, since = _whose(broadcast_id)
        allowance.take(team_id, BROADCAST, sign * moved, since)


def of_emails(among: str, parameters: Sequence[int], leaving: Collection[SendState], sign: int) -> None:
    """The same for mails of no broadcast that stand in one of the states; holds them till they have moved."""
    rows = database.execute_sql(
        f"""SELECT e.team_id, e.stream, e.created_at
              FROM emails e JOIN sends s ON s.broadcast_id = 0 AND s.contact_id = e.id
             WHERE e.id {among} AND e.source IN ({_SOURCES})
               AND s.state IN ({", ".join(["%s"] * len(leaving))}) FOR UPDATE""",
        [*parameters, *leaving],
    ).fetchall()
    counted = Counter((team_id, month_of(at.replace(tzinfo=UTC)), stream) for team_id, stream, at in rows)
    for (team_id, since, stream), number in sorted(counted.items()):
        allowance.take(team_id, stream, sign * number, since)


def reserved(team_id: int) -> Months:
    """Of the credits that the team's mails hold, those whose mail no edge has yet."""
    months: Months = Counter()
    under_way = Broadcast.select().where(*_published_by(team_id), Broadcast.finished_at.is_null())
    for broadcast in under_way:
        planned = database.execute_sql(
            "SELECT COUNT(*) FROM sends WHERE broadcast_id = %s AND state = %s",
            (broadcast.id, SendState.PLANNED),
        ).fetchone()[0]
        months[month(broadcast), BROADCAST] += planned + (broadcast.reserved or 0)
    months.update(_emails(team_id, f"e.state = {SendState.PLANNED:d}"))
    return months


def held(team_id: int) -> Months:
    """The credits that the team's mails hold, as `usage_months` has them."""
    return Counter(
        {
            (row.month, stream): getattr(row, stream)
            for row in UsageMonth.select().where(UsageMonth.team == team_id)
            for stream in STREAMS
        }
    )


def recounted(team_id: int) -> Months:
    """The same, counted from the ledger and its archive."""
    months: Months = Counter()
    for broadcast in Broadcast.select().where(*_published_by(team_id)):
        if broadcast.archived_at is not None:
            sends = sum(n for state, _, n in archived_counts(broadcast.id) if state not in UNSENT)
        else:
            sends = database.execute_sql(
                f"SELECT COUNT(*) FROM sends WHERE broadcast_id = %s AND state NOT IN ({_UNSENT})",
                (broadcast.id,),
            ).fetchone()[0]
        months[month(broadcast), BROADCAST] += sends + (broadcast.reserved or 0)
    months.update(_emails(team_id, f"s.state NOT IN ({_UNSENT})"))
    return months


def differences(team_id: int) -> dict[tuple[date, str], tuple[int, int]]:
    """(held, recounted) of each month and stream where the two differ, both as of one moment."""
    with database.atomic("REPEATABLE READ"):
        have, counted = held(team_id), recounted(team_id)
    return {key: (have[key], counted[key]) for key in have | counted if have[key] != counted[key]}


def put_right(team_id: int) -> dict[tuple[date, str], tuple[int, int]]:
    """Has `usage_months` say what the ledger does, whoever sends meanwhile; returns what differed."""
    found = differences(team_id)
    for (since, stream), (have, counted) in found.items():
        allowance.take(team_id, stream, counted - have, since)
    return found


def _emails(team_id: int, condition: str) -> Months:
    rows = database.execute_sql(
        f"""SELECT DATE_FORMAT(e.created_at, '%%Y-%%m-01'), e.stream, COUNT(*)
              FROM emails e JOIN sends s ON s.broadcast_id = 0 AND s.contact_id = e.id
             WHERE e.team_id = %s AND e.source IN ({_SOURCES}) AND {condition} GROUP BY 1, 2""",
        (team_id,),
    ).fetchall()
    return Counter({(date.fromisoformat(since), stream): number for since, stream, number in rows})


def _published_by(team_id: int) -> tuple[Any, ...]:
    unpublished = (BroadcastState.DRAFT.value, BroadcastState.SCHEDULED.value)
    return (Broadcast.team == team_id, Broadcast.state.not_in(unpublished))


def _limit(team_id: int) -> int | None:
    plan = plans.of(team_id)
    return None if plan is None else plan.credits


@lru_cache(maxsize=1024)
def _whose(broadcast_id: int) -> tuple[int, date]:
    """Team and month of a published broadcast, which do not change any more."""
    broadcast = Broadcast.get_by_id(broadcast_id)
    return broadcast.team_id, month(broadcast)
