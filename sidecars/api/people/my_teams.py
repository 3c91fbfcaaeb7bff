"""/v1/teams: the teams that a person is in."""

from typing import Literal, cast

from flask import Response

from sidecars.accounts import teams
from sidecars.accounts.permissions import ADMINISTRATOR, PERSON
from sidecars.api.auth import person
from sidecars.api.errors import not_found
from sidecars.api.ids import TeamId
from sidecars.api.me import TeamAnswer
from sidecars.api.people.shapes import Name, concerns
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, Path, answer, example
from sidecars.models import Team

api = resource("Teams", "The teams that a person is in. X-Kiba-Team says which one is meant.", "team")

Role = Literal["ADMINISTRATOR", "MANAGER", "AUTHOR", "GUEST"]


class TeamPath(Path):
    """Which team."""

    team_id: TeamId


class NamedTeam(Body):
    """A team by its name."""

    model_config = example({"name": "Analytical Engines"})

    name: Name


class MyTeam(TeamAnswer):
    """A team, and what one is in it."""

    role: Role


class MyTeams(Answer):
    """All of them."""

    data: list[MyTeam]
    next_cursor: None


@api.get("/teams", responses={200: MyTeams})
@needs(PERSON)
def list_my_teams() -> Response:
    """List one's teams"""
    rows = [_shown(row.team, row.role) for row in teams.of(person().id)]
    return answer(MyTeams(data=rows, next_cursor=None))


@api.post("/teams", responses={201: MyTeam})
@needs(PERSON)
def create_team(body: NamedTeam) -> Response:
    """Make a team, and be its administrator"""
    return answer(_shown(teams.create(person(), body.name), ADMINISTRATOR), 201)


@api.post("/teams/<team_id>/leave", responses={204: None})
@needs(PERSON)
def leave_team(path: TeamPath) -> tuple[str, int]:
    """Leave a team

    409: its last administrator does not.
    """
    if not teams.remove(path.team_id, person().id):
        raise not_found("team of yours")
    concerns(user=person().id, team=path.team_id)
    return "", 204


def _shown(team: Team, role: str) -> MyTeam:
    return MyTeam(id=team.id, name=team.name, created_at=team.created_at, role=cast(Role, role))
