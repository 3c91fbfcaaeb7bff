"""/operator/lanes and /operator/controls: what each lane does now, and holding it."""

from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from sidecars.api.errors import conflict, invalid, not_found
from sidecars.api.operator.access import operator
from sidecars.api.resource import operator_resource
from sidecars.api.shapes import Answer, Body, Line, Timestamp, answer, example
from sidecars.deliverability import lane_controls
from sidecars.deliverability.lane_policies import ProviderError
from sidecars.deliverability.sources import NoSource
from sidecars.edge import lane_states
from sidecars.edge.lane_states import LaneState
from sidecars.models import LaneControl

api = operator_resource("Lanes", "Mail of one source to one provider: what it does now, and holding it.")

WHICH = "`*`: every one."


class LanesAnswer(Answer):
    """Every lane that an edge has told of in the last ten seconds, over all edges that have it."""

    data: list[LaneState]


class ControlAnswer(Answer):
    """What holds lanes."""

    source: str = Field(description=WHICH)
    provider: str = Field(description=WHICH)
    action: Literal["pause", "drain"]
    reason: str
    placed_by: str
    placed_at: Timestamp


class ControlsAnswer(Answer):
    """All that holds lanes."""

    data: list[ControlAnswer]


class NewControl(Body):
    """Which lanes, and what about them."""

    model_config = example(
        {"action": "pause", "source": "*", "provider": "google", "reason": "421 since 10:20"}
    )

    action: Literal["pause", "drain", "resume"] = Field(
        description="`pause`: no mail begins, what waits, waits. `drain`: connections end after their mail; "
        "what waits leaves by other sources of its pool. `resume`: takes back what was said of exactly these."
    )
    source: Annotated[Line, Field(max_length=64)] = Field(description=WHICH)
    provider: Annotated[Line, Field(max_length=253)] = Field(description=WHICH)
    reason: Annotated[Line, Field(max_length=500)]


class EffectAnswer(Answer):
    """What was done."""

    effect: str = Field(description="What it does to the lanes as they are, in a sentence.")


@api.get("/lanes", responses={200: LanesAnswer})
def list_lanes() -> Response:
    """Read what each lane does now

    Instants are milliseconds since 1970; `per_minute` is of the last minute.
    """
    return answer(LanesAnswer(data=lane_states.merge(lane_states.read())))


@api.get("/controls", responses={200: ControlsAnswer})
def list_controls() -> Response:
    """Read what holds lanes"""
    rows = LaneControl.select().order_by(LaneControl.source, LaneControl.provider)
    return answer(ControlsAnswer(data=[ControlAnswer.model_validate(row) for row in rows]))


@api.post("/controls", responses={200: EffectAnswer})
def control_lanes(body: NewControl) -> Response:
    """Pause, drain or resume lanes, at once"""
    rows = lane_states.read()
    try:
        if body.action == "resume":
            lane_controls.resume(operator(), body.source, body.provider, body.reason)
        else:
            lane_controls.hold(operator(), body.action, body.source, body.provider, body.reason)
    except ProviderError as error:
        raise invalid("provider", str(error)) from error
    except NoSource as error:
        raise not_found("source") from error
    except lane_controls.NotHeld as error:
        raise conflict(str(error), "not held") from error
    return answer(EffectAnswer(effect=lane_controls.effect(body.action, body.source, body.provider, rows)))
