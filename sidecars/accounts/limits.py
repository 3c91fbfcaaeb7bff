"""How much a team may submit, as an operator says."""

from sidecars.deliverability import operator_log
from sidecars.edge.records import write_team
from sidecars.models import Team, database


def put(operator: str, team_id: int, recipients_an_hour: int | None) -> bool:
    """Sets how many recipients the team may submit by SMTP in an hour, at the edge too.

    0: any number; None: as the setting RECIPIENTS_AN_HOUR says. False: there is no such team.
    """
    with database.atomic():
        if not Team.select().where(Team.id == team_id).for_update().exists():
            return False
        Team.update(recipients_an_hour=recipients_an_hour).where(Team.id == team_id).execute()
        operator_log.record(operator, "limit team", str(team_id), recipients_an_hour=recipients_an_hour)
    write_team(team_id)
    return True
