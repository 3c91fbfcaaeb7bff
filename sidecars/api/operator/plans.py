"""/operator/plans: how much teams may have. docs/usage.md tells what happens at each limit."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

from sidecars.api.errors import conflict, not_found
from sidecars.api.operator.access import operator
from sidecars.api.resource import operator_resource
from sidecars.api.shapes import Answer, Body, Line, PageQuery, Path, Timestamp, answer, example, page
from sidecars.deliverability import operator_log
from sidecars.usage import plans

api = operator_resource("Plans", "How much teams may have.")

Number = Annotated[int, Field(ge=0, lt=2**32)]


class PlanPath(Path):
    """Which plan."""

    plan_id: int


class PlanBody(Body):
    """A plan; null, and what is left out: any number."""

    model_config = example({"name": "small", "credits": 10000, "contacts": 2000, "members": 3})

    name: Annotated[Line, Field(max_length=64)]
    credits: Annotated[int, Field(ge=0, lt=2**53)] | None = Field(
        None, description="Mails to one recipient, in a calendar month (UTC)."
    )
    contacts: Number | None = Field(None, description="In all audiences, whatever their status.")
    domains: Number | None = None
    members: Number | None = Field(None, description="With those who are invited.")
    api_keys: Number | None = Field(None, description="Neither revoked nor expired.")


class TeamPlanAnswer(Answer):
    """A plan."""

    id: int
    name: str
    credits: int | None
    contacts: int | None
    domains: int | None
    members: int | None
    api_keys: int | None
    created_at: Timestamp


class PlanPage(Answer):
    """Some plans."""

    data: list[TeamPlanAnswer]
    next_cursor: str | None


@api.get("/plans", responses={200: PlanPage})
def list_plans(query: PageQuery) -> Response:
    """List plans"""
    rows = plans.page(query.cursor, query.limit + 1)
    return answer(PlanPage(**page(rows, query.limit, lambda row: row.id, TeamPlanAnswer.model_validate)))


@api.post("/plans", responses={201: TeamPlanAnswer})
def create_plan(body: PlanBody) -> Response:
    """Make a plan

    `PUT /operator/teams/{id}` gives it to a team; teams without one have that of DEFAULT_PLAN.
    """
    try:
        made = plans.create(**body.model_dump())
    except plans.PlanExists as error:
        raise _exists(error) from error
    _record("make plan", made.id, body.model_dump())
    return answer(TeamPlanAnswer.model_validate(made), 201)


@api.put("/plans/<int:plan_id>", responses={200: TeamPlanAnswer})
def put_plan(path: PlanPath, body: PlanBody) -> Response:
    """Change a plan, for all teams that have it

    What they have beyond a smaller limit stays; there are no more of it.
    """
    try:
        changed = plans.change(path.plan_id, **body.model_dump())
    except plans.PlanExists as error:
        raise _exists(error) from error
    if changed is None:
        raise not_found("plan")
    _record("change plan", path.plan_id, body.model_dump())
    return answer(TeamPlanAnswer.model_validate(changed))


@api.delete("/plans/<int:plan_id>", responses={204: None})
def delete_plan(path: PlanPath) -> tuple[str, int]:
    """Delete a plan

    409: teams have it.
    """
    try:
        if not plans.delete(path.plan_id):
            raise not_found("plan")
    except plans.PlanInUse as error:
        raise conflict("Teams have this plan. Give them another one first.", "in_use") from error
    _record("delete plan", path.plan_id, {})
    return "", 204


def _exists(error: plans.PlanExists) -> Exception:
    return conflict(f"There is a plan “{error}” already.", "exists")


def _record(action: str, plan_id: int, facts: dict[str, Any]) -> None:
    operator_log.record(operator(), action, str(plan_id), **facts)
