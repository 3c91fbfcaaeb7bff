"""Plans: how much a team may have. What a plan leaves null is unlimited, as all is without one."""

import time
from typing import Any

from peewee import IntegrityError

from sidecars.models import Plan, Team, database
from sidecars.settings import settings

# What requests that send know of a team's limit, and others of whether it is out of credits.
KEPT_SECONDS = 1.0
_MOST_KEPT = 10_000
_kept: dict[int, tuple[float, int | None]] = {}


class PlanExists(Exception):
    """There is a plan of this name."""


class PlanInUse(Exception):
    """Teams have it."""


def of(team_id: int) -> Plan | None:
    """The team's plan: its own, or that of DEFAULT_PLAN; None: nothing is limited."""
    row = database.execute_sql(
        """SELECT p.id FROM teams t JOIN plans p
               ON p.id = COALESCE(t.plan_id, (SELECT id FROM plans WHERE name = %s))
            WHERE t.id = %s""",
        (settings.default_plan, team_id),
    ).fetchone()
    return Plan.get_by_id(row[0]) if row else None


def credits_of(team_id: int) -> int | None:
    """How many a month the team may use, as of a second ago; None: any number."""
    kept = _kept.get(team_id)
    moment = time.monotonic()
    if kept is None or kept[0] < moment:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        plan = of(team_id)
        kept = _kept[team_id] = (moment + KEPT_SECONDS, plan.credits if plan else None)
    return kept[1]


def page(after: int, limit: int) -> list[Plan]:
    """Plans beyond id `after`, in the order in which they were made."""
    return list(Plan.select().where(Plan.id > after).order_by(Plan.id).limit(limit))


def create(**facts: Any) -> Plan:
    """A new one; `facts` are its columns. Raises PlanExists."""
    try:
        return Plan.create(**facts)
    except IntegrityError as error:
        raise PlanExists(facts["name"]) from error


def change(plan_id: int, **facts: Any) -> Plan | None:
    """None: there is no such plan. What a team has beyond a smaller limit stays. Raises PlanExists."""
    try:
        Plan.update(**facts).where(Plan.id == plan_id).execute()
    except IntegrityError as error:
        raise PlanExists(facts["name"]) from error
    return Plan.get_or_none(Plan.id == plan_id)


def delete(plan_id: int) -> bool:
    """False: there is no such plan. Raises PlanInUse."""
    if Team.select().where(Team.plan == plan_id).exists():
        raise PlanInUse
    try:
        return bool(Plan.delete().where(Plan.id == plan_id).execute())
    except IntegrityError as error:
        raise PlanInUse from error
