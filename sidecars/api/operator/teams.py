"""/operator/teams: what each team may have."""

from typing import Annotated

from flask import Response
from pydantic import Field

from sidecars.accounts import limits
from sidecars.api.errors import invalid, not_found
from sidecars.api.operator.access import operator
from sidecars.api.resource import operator_resource
from sidecars.api.shapes import Answer, Body, PageQuery, Path, Timestamp, answer, example, page
from sidecars.models import Team

api = operator_resource("Teams", "What each team may have.")


class TeamPath(Path):
    """Which team."""

    team_id: int


class TeamLimits(Body):
    """The limits of a team."""

    model_config = example({"recipients_an_hour": 5000})

    recipients_an_hour: Annotated[int, Field(ge=0, lt=2**32)] | None = Field(
        description="Recipients of mail submitted by SMTP; 0: any number; null: RECIPIENTS_AN_HOUR."
    )
    plan_id: Annotated[int, Field(ge=1, lt=2**32)] | None = Field(
        None, description="Of /operator/plans; null: DEFAULT_PLAN. Left out it stays as it is."
    )


class LimitedTeam(Answer):
    """A team with its limits."""

    id: int
    name: str
    recipients_an_hour: int | None
    plan_id: int | None
    created_at: Timestamp


class TeamPage(Answer):
    """Some teams."""

    data: list[LimitedTeam]
    next_cursor: str | None


@api.get("/teams", responses={200: TeamPage})
def list_teams(query: PageQuery) -> Response:
    """List teams"""
    rows = Team.select().where(Team.id > query.cursor).order_by(Team.id).limit(query.limit + 1)
    return answer(TeamPage(**page(list(rows), query.limit, lambda row: row.id, LimitedTeam.model_validate)))


@api.put("/teams/<int:team_id>", responses={200: LimitedTeam})
def put_team_limits(path: TeamPath, body: TeamLimits) -> Response:
    """Set a team's limits; edges know within ten seconds"""
    try:
        if not limits.put(operator(), path.team_id, **body.model_dump(exclude_unset=True)):
            raise not_found("team")
    except limits.NoSuchPlan as error:
        raise invalid("plan_id", "There is no plan with this id.") from error
    return answer(LimitedTeam.model_validate(Team.get_by_id(path.team_id)))
