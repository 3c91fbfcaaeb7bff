"""/operator/policies: limits of the lanes to a provider."""

from dataclasses import asdict
from typing import Annotated

from flask import Response
from pydantic import Field

from sidecars.api.errors import invalid, not_found
from sidecars.api.operator.access import operator
from sidecars.api.resource import operator_resource
from sidecars.api.shapes import Answer, Body, Path, Timestamp, answer, example
from sidecars.deliverability import lane_policies
from sidecars.deliverability.lane_policies import Limits, NoPolicy, ProviderError
from sidecars.models import LanePolicy

api = operator_resource("Policies", "Limits of the lanes to a provider, where the edge's own do not fit.")

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class PolicyPath(Path):
    """Which provider; `*`: all that have no policy."""

    provider: str


class PolicyBody(Body):
    """Limits of each lane; null: those that the edge knows itself."""

    model_config = example({"connections": 5, "per_minute": 600})

    connections: Count | None = None
    mails_per_connection: Count | None = None
    per_minute: Count | None = Field(None, description="Mails a minute, of all edges together.")
    per_day: Count | None = Field(None, description="Mails a day (UTC), of all edges together.")


class PolicyAnswer(Answer):
    """A provider's policy."""

    provider: str
    connections: int | None
    mails_per_connection: int | None
    per_minute: int | None
    per_day: int | None
    updated_at: Timestamp


class PoliciesAnswer(Answer):
    """All policies."""

    data: list[PolicyAnswer]


@api.get("/policies", responses={200: PoliciesAnswer})
def list_policies() -> Response:
    """List policies"""
    rows = LanePolicy.select().order_by(LanePolicy.provider)
    return answer(PoliciesAnswer(data=[PolicyAnswer.model_validate(row) for row in rows]))


@api.put("/policies/<provider>", responses={200: PolicyAnswer})
def put_policy(path: PolicyPath, body: PolicyBody) -> Response:
    """Set the limits of a provider's lanes, at once"""
    limits = Limits(**{name: getattr(body, name) for name in asdict(Limits())})
    try:
        policy = lane_policies.put(operator(), path.provider, limits)
    except ProviderError as error:
        raise invalid("provider", str(error)) from error
    return answer(PolicyAnswer.model_validate(policy))


@api.delete("/policies/<provider>", responses={204: None})
def delete_policy(path: PolicyPath) -> tuple[str, int]:
    """Go back to the limits that the edge knows itself"""
    try:
        lane_policies.delete(operator(), path.provider)
    except NoPolicy as error:
        raise not_found("policy") from error
    return "", 204
