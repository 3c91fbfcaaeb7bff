"""/v1/usage: what a team has used, and what it may have. docs/usage.md tells what counts."""

from datetime import date
from typing import Literal

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, answer
from sidecars.broadcasts import spending
from sidecars.broadcasts.spending import Months
from sidecars.models import Plan, now
from sidecars.usage import limits, plans
from sidecars.usage.allowance import STREAMS, month_of

api = resource("Usage", "What the team has used, and may have.", "team")

EARLIER = 24


class StreamCredits(Answer):
    """The credits of one stream."""

    stream: Literal["broadcast", "transactional"]
    reserved: int = Field(description="Of mail that no edge has yet.")
    used: int = Field(description="Of mail that an edge took, whatever became of it there.")


class MonthCredits(Answer):
    """The credits of a calendar month in UTC: one is one mail to one recipient."""

    month: str = Field(json_schema_extra={"example": "2026-12"})
    reserved: int
    used: int
    streams: list[StreamCredits]


class ThisMonth(MonthCredits):
    """The current month, in which `reserved`, `used` and `left` add up to `limit`."""

    limit: int | None = Field(description="Null: any number.")
    left: int | None = Field(description="Null: any number.")


class LimitAnswer(Answer):
    """One thing of which a plan may allow so many."""

    name: Literal["contacts", "domains", "members", "api_keys"]
    limit: int | None = Field(description="Null: any number.")
    used: int
    left: int | None = Field(description="Null: any number.")


class UsageAnswer(Answer):
    """What was used, and what is left."""

    plan: str | None = Field(description="Its name; null: nothing is limited.")
    credits: ThisMonth
    earlier: list[MonthCredits] = Field(description=f"Months before, the latest first; {EARLIER} at most.")
    limits: list[LimitAnswer]


@api.get("/usage", responses={200: UsageAnswer})
def get_usage() -> Response:
    """See what was used, and what is left

    Credits are counted when a mail is planned, and given back where none goes out.
    """
    plan = plans.of(team_id())
    held, reserved = spending.held(team_id()), spending.reserved(team_id())
    this_month = month_of(now())
    current = _month(this_month, held, reserved)
    limit = plan.credits if plan else None
    left = None if limit is None else max(0, limit - current.reserved - current.used)
    months = sorted({since for since, _ in held if since < this_month}, reverse=True)[:EARLIER]
    return answer(
        UsageAnswer(
            plan=plan.name if plan else None,
            credits=ThisMonth(**dict(current), limit=limit, left=left),
            earlier=[_month(since, held, reserved) for since in months],
            limits=[
                _limit(plan, name)
                for name in (limits.CONTACTS, limits.DOMAINS, limits.MEMBERS, limits.API_KEYS)
            ],
        )
    )


def _month(since: date, held: Months, reserved: Months) -> MonthCredits:
    streams = [_stream(name, held[since, name], reserved[since, name]) for name in STREAMS]
    return MonthCredits(
        month=f"{since:%Y-%m}",
        reserved=sum(each.reserved for each in streams),
        used=sum(each.used for each in streams),
        streams=streams,
    )


def _stream(name: str, held: int, reserved: int) -> StreamCredits:
    waiting = min(held, reserved)  # the two are read one after the other, while mail goes out
    return StreamCredits.model_validate({"stream": name, "reserved": waiting, "used": held - waiting})


def _limit(plan: Plan | None, name: str) -> LimitAnswer:
    used = limits.count(team_id(), name)
    limit = getattr(plan, name) if plan else None
    left = None if limit is None else max(0, limit - used)
    return LimitAnswer.model_validate({"name": name, "limit": limit, "used": used, "left": left})
