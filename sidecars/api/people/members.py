"""/v1/team: the team that asks, and who is in it."""

from typing import cast

from flask import Response

from sidecars.accounts import teams
from sidecars.api.auth import team_id
from sidecars.api.errors import not_found
from sidecars.api.ids import UserId
from sidecars.api.me import TeamAnswer
from sidecars.api.people.my_teams import NamedTeam, Role
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, PageQuery, Path, Timestamp, answer, example, page
from sidecars.models import Membership, Team

api = resource("Team", "The team itself, and who is in it.", "team")

READ, WRITE = "members:read", "members:write"


class MemberPath(Path):
    """Which person."""

    user_id: UserId


class MemberAnswer(Answer):
    """Somebody in the team."""

    id: UserId
    email: str
    name: str
    role: Role
    joined_at: Timestamp


class MemberPage(Answer):
    """Some of them."""

    data: list[MemberAnswer]
    next_cursor: str | None


class ChangedRole(Body):
    """What somebody is to be."""

    model_config = example({"role": "AUTHOR"})

    role: Role


@api.get("/team", responses={200: TeamAnswer})
def get_team() -> Response:
    """The team"""
    return answer(TeamAnswer.model_validate(Team.get_by_id(team_id())))


@api.patch("/team", responses={200: TeamAnswer})
def rename_team(body: NamedTeam) -> Response:
    """Rename the team"""
    teams.rename(team_id(), body.name)
    return answer(TeamAnswer.model_validate(Team.get_by_id(team_id())))


@api.get("/team/members", responses={200: MemberPage})
@needs(READ)
def list_members(query: PageQuery) -> Response:
    """List who is in the team"""
    found = teams.members(team_id(), query.cursor, query.limit + 1)
    return answer(MemberPage(**page(found, query.limit, lambda row: row.user_id, _shown)))


@api.patch("/team/members/<user_id>", responses={200: MemberAnswer})
@needs(WRITE)
def change_role(path: MemberPath, body: ChangedRole) -> Response:
    """Give somebody another role

    409: the last administrator stays one.
    """
    if not teams.change_role(team_id(), path.user_id, body.role):
        raise not_found("member of the team")
    return answer(_shown(Membership.get(Membership.team == team_id(), Membership.user == path.user_id)))


@api.delete("/team/members/<user_id>", responses={204: None})
@needs(WRITE)
def remove_member(path: MemberPath) -> tuple[str, int]:
    """Remove somebody from the team

    409: the last administrator stays.
    """
    if not teams.remove(team_id(), path.user_id):
        raise not_found("member of the team")
    return "", 204


def _shown(row: Membership) -> MemberAnswer:
    return MemberAnswer(
        id=row.user_id,
        email=row.user.email,
        name=row.user.name,
        role=cast(Role, row.role),
        joined_at=row.created_at,
    )
