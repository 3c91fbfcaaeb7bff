"""/operator/warmup: how new addresses grow to their volume."""

from datetime import date
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import BeforeValidator, Field

from sidecars.api.errors import invalid, not_found
from sidecars.api.operator.access import operator
from sidecars.api.resource import operator_resource
from sidecars.api.shapes import Answer, Body, Line, Path, answer, example
from sidecars.deliverability import warmup, warmup_plans
from sidecars.deliverability.sources import NoSource
from sidecars.deliverability.warmup import Plan, WarmupError

api = operator_resource("Warm-up", "How new addresses grow to their volume: plans, and what is used of them.")

SURPLUS = (
    "What becomes of more mail than a day may have: it waits, or leaves by sources of its pool below theirs."
)


def _iso_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a text such as 2026-11-24")
    return value


Day = Annotated[date, Field(strict=False), BeforeValidator(_iso_text)]


class WarmupPath(Path):
    """Which source."""

    source: str


class Wish(Body):
    """What to plan for."""

    model_config = example({"per_day": 100_000, "mix": {"google": 45, "microsoft": 25, "yahoo": 15}})

    per_day: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        description="Mails a day in the end, of all addresses."
    )
    mix: dict[str, float] | None = Field(
        None,
        description="Providers' shares in per cent, the rest is `*`; null: those of the last 30 days' mail.",
    )
    sources: list[Line] | None = Field(None, description="Names of sources; null: all that are active.")
    subnet: Line | None = Field(
        None, description="Instead of sources, the usable addresses of a subnet: 192.0.2.8/29 has five."
    )
    start: Day | None = Field(None, description="First day, in UTC; null: today.")


class Application(Wish):
    """A plan to apply; by itself the request changes nothing."""

    surplus: Literal["wait", "overflow"] = Field("wait", description=SURPLUS)
    dry_run: bool = Field(True, description="False: edges hold to the plan at once.")


class SeriesAnswer(Answer):
    """One address and provider (`*`: all others): the most mails of each day."""

    address: str = Field(description="The name of its source, if it is one.")
    provider: str
    why: str = Field(description="What the first day follows from.")
    days: dict[str, int]


class DayAnswer(Answer):
    """All addresses and providers together."""

    day: str
    mails: int
    surplus: int = Field(description="What is missing to the goal.")


class WarmLane(Answer):
    """Had its full volume lately, and needs no ceiling."""

    address: str
    provider: str


class PlanAnswer(Answer):
    """A plan; its days follow each other, in UTC."""

    per_day: int
    mix: dict[str, float]
    days: list[DayAnswer]
    series: list[SeriesAnswer]
    warm: list[WarmLane]


class ChangeAnswer(Answer):
    """A plan in use that is made, replaced or ended; null: no ceiling."""

    source: str
    provider: str
    before: dict[str, int] | None
    after: dict[str, int] | None


class ApplicationAnswer(Answer):
    """What applying does, or has done."""

    applied: bool
    changes: list[ChangeAnswer]
    plan: PlanAnswer


class InUseAnswer(Answer):
    """A plan in use, today."""

    source: str
    provider: str
    surplus: Literal["wait", "overflow"]
    ceiling: int | None = Field(description="Most mails of today (UTC); null: the plan is over.")
    used: int = Field(description="Mails that today has had.")
    last_day: date
    last_ceiling: int


class InUsePage(Answer):
    """All plans in use."""

    data: list[InUseAnswer]


@api.get("/warmup", responses={200: InUsePage})
def list_warmups() -> Response:
    """Read the plans in use, and what of today is used"""
    rows = warmup_plans.in_use(warmup_plans.today())
    return answer(InUsePage(data=[InUseAnswer.model_validate(row) for row in rows]))


@api.post("/warmup/plan", responses={200: PlanAnswer})
def plan_warmup(body: Wish) -> Response:
    """Propose a plan, and change nothing

    The first day follows from what each address sent lately and how it was received; the others are what
    follows if all goes well. Plan again every day or two.
    """
    return answer(_plan_answer(_propose(body)))


@api.post("/warmup/apply", responses={200: ApplicationAnswer})
def apply_warmup(body: Application) -> Response:
    """Say what a plan would change, or let the edges hold to it"""
    plan = _propose(body)
    try:
        if body.dry_run:
            changes = warmup_plans.changes(plan)
        else:
            changes = warmup_plans.apply(operator(), plan, body.surplus)
    except NoSource as error:
        raise invalid("subnet", f"{error} is the address of no source; add it first.") from error
    shown = [
        ChangeAnswer(
            source=each.source, provider=each.provider, before=_dates(each.before), after=_dates(each.after)
        )
        for each in changes
    ]
    return answer(ApplicationAnswer(applied=not body.dry_run, changes=shown, plan=_plan_answer(plan)))


@api.delete("/warmup/<source>", responses={204: None})
def end_warmup(path: WarmupPath) -> tuple[str, int]:
    """Take a source's ceilings away"""
    try:
        warmup_plans.end(operator(), path.source)
    except NoSource as error:
        raise not_found("source") from error
    return "", 204


def _propose(body: Wish) -> Plan:
    if body.sources and body.subnet:
        raise invalid("subnet", "Name a subnet or sources, not both.")
    try:
        ip_of = warmup_plans.addresses(body.sources or (), body.subnet)
        return warmup_plans.propose(body.per_day, body.mix, ip_of, body.start or warmup_plans.today())
    except NoSource as error:
        raise invalid("sources", f"There is no active source {error}.") from error
    except WarmupError as error:
        raise invalid("", str(error)) from error


def _plan_answer(plan: Plan) -> PlanAnswer:
    return PlanAnswer.model_validate(warmup.as_data(plan))


def _dates(days: Any) -> dict[str, int] | None:
    return None if days is None else {day.isoformat(): mails for day, mails in days.items()}
