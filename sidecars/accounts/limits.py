"""How much a team may submit, as an operator says."""

from sidecars.deliverability import operator_log
from sidecars.edge.records import write_team
from sidecars.models import Plan, Team, database


class NoSuchPlan(Exception):
    """There is none with this id."""


def put(operator: str, team_id: int, **said: int | None) -> bool:
    """Sets what the team may have, at the edge too; what is not said stays. False: there is no such team.

    `recipients_an_hour` by SMTP, 0: any number; None: as the setting RECIPIENTS_AN_HOUR says. `plan_id`,
    None: as DEFAULT_PLAN says. Raises NoSuchPlan.
    """
    plan_id = said.get("plan_id")
    if plan_id is not None and not Plan.select().where(Plan.id == plan_id).exists():
        raise NoSuchPlan
    with database.atomic():
        if not Team.select().where(Team.id == team_id).for_update().exists():
            return False
        Team.update(**said).where(Team.id == team_id).execute()
        operator_log.record(operator, "limit team", str(team_id), **said)
    write_team(team_id)
    return True
