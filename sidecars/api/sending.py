"""A broadcast on its way: published, held back, watched."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response, current_app, request
from pydantic import BeforeValidator, Field, WithJsonSchema

from sidecars.api.broadcasts import BroadcastDetail, BroadcastPath, detail, own_broadcast
from sidecars.api.errors import Failure, Refused, invalid
from sidecars.api.ids import VariantId
from sidecars.api.lifecycle import request_id
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import LAST_YEAR, Answer, Body, Line, Moment, OptionalBody, answer, example
from sidecars.broadcasts import abtest, control, ledger, publish
from sidecars.broadcasts.drafts import UnknownReference
from sidecars.broadcasts.duplicate import duplicate
from sidecars.models import database
from sidecars.settings import settings
from sidecars.telemetry import product_event

api = resource("Sending", "A broadcast on its way.", "broadcasts")

STREAM_SECONDS = 1.0
# A stream holds a thread; half of them stay free for everybody else.
_streams = threading.BoundedSemaphore(max(1, settings.web_threads // 2))
ENDED = ("sent", "cancelled", "stopped")


def _wall_clock(text: Any) -> datetime:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")
    except (TypeError, ValueError):
        raise ValueError("must be a time without offset, such as “2026-12-01T09:00:00”") from None
    if not 2000 <= moment.year <= LAST_YEAR:
        raise ValueError("is too far away")
    return moment


WallClock = Annotated[
    datetime,
    BeforeValidator(_wall_clock),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"}),
]


class Publication(OptionalBody):
    """When to send it: now, at one moment, or at an hour of each reader's own day."""

    model_config = example({"scheduled_at": "2026-12-01T09:00:00+01:00"}, required=False)

    scheduled_at: Moment | None = Field(None, description="With its offset from UTC; null: now.")
    local_time: WallClock | None = Field(
        None, description="By each reader's clock (their property `timezone`), so without an offset."
    )
    timezone: str = Field("UTC", max_length=64, description="That of readers of whom none is known.")
    when_past: Literal["at_once", "next_day"] = Field(
        "at_once", description="When those get it whose hour has passed already."
    )


class Duplication(OptionalBody):
    """What the copy is called, and to whom it goes."""

    model_config = example({"name": "Spring letter, once more", "to": "not_opened"}, required=False)

    name: Annotated[Line, Field(max_length=200)] | None = None
    to: Literal["same", "not_opened"] = Field(
        "same", description="not_opened: a segment of those who got it and did not open it is made."
    )


class Choice(Body):
    """Which variant the rest gets."""

    model_config = example({"variant_id": "var_12"})

    variant_id: VariantId


class ProgressAnswer(Answer):
    """Where its recipients stand, of one moment."""

    state: str
    total: int = Field(description="Recipients chosen so far; `planning` still adds to them.")
    handed_over: int = Field(description="Those that wait for nothing of ours: at an edge, or ended.")
    counts: dict[str, int] = Field(description="By state; they add up to `total`.")
    reasons: dict[str, int] = Field(description="By reason, of those that have one.")
    rate: float = Field(description="Mails a second handed over of late.")
    eta_seconds: float | None = Field(description="Null where nothing moves.")


@api.post("/broadcasts/<broadcast_id>/publish", responses={202: BroadcastDetail})
@needs("broadcasts:send")
def publish_broadcast(path: BroadcastPath, body: Publication) -> Response:
    """Send it, now or later

    202: it is on its way, or waits for its moment. 422: everything that must be put right first.
    409: it was published before.
    """
    broadcast = own_broadcast(path.broadcast_id)
    if body.local_time is not None:
        if body.scheduled_at is not None:
            raise invalid("local_time", "Give either a moment or an hour of readers' own days.")
        broadcast = publish.schedule_locally(broadcast.id, body.local_time, body.timezone, body.when_past)
    elif body.scheduled_at is None:
        broadcast = publish.publish_now(broadcast.id)
        product_event(broadcast.team_id, "broadcast published", {"broadcast_id": broadcast.id})
    else:
        broadcast = publish.schedule(broadcast.id, body.scheduled_at)
    return answer(detail(broadcast), 202)


@api.post("/broadcasts/<broadcast_id>/pause", responses={200: BroadcastDetail})
@needs("broadcasts:send")
def pause_broadcast(path: BroadcastPath) -> Response:
    """Hold it back

    A second later no mail of it begins any more, those not either that an edge has taken. One that was sent
    can be held back for as long as an edge has mails of it. 409: it is not on its way.
    """
    control.pause(own_broadcast(path.broadcast_id).id)
    return answer(detail(own_broadcast(path.broadcast_id)))


@api.post("/broadcasts/<broadcast_id>/resume", responses={200: BroadcastDetail})
@needs("broadcasts:send")
def resume_broadcast(path: BroadcastPath) -> Response:
    """Let it go on

    Where it stopped. 409: it is not held back.
    """
    control.resume(own_broadcast(path.broadcast_id).id)
    return answer(detail(own_broadcast(path.broadcast_id)))


@api.post("/broadcasts/<broadcast_id>/cancel", responses={200: BroadcastDetail})
@needs("broadcasts:send")
def cancel_broadcast(path: BroadcastPath) -> Response:
    """End it

    Whoever's mail has not begun gets none, also of those that an edge has taken: they are `cancelled` as soon
    as the edge has said so. 409: it has ended.
    """
    control.cancel(own_broadcast(path.broadcast_id).id)
    return answer(detail(own_broadcast(path.broadcast_id)))


@api.post("/broadcasts/<broadcast_id>/winner", responses={200: BroadcastDetail})
@needs("broadcasts:send")
def choose_winner(path: BroadcastPath, body: Choice) -> Response:
    """End its test and choose what the rest gets

    409: it has no test, the winner is chosen, or it is not on its way.
    """
    broadcast = own_broadcast(path.broadcast_id)
    try:
        abtest.choose_now(broadcast, body.variant_id)
    except abtest.NoSuchVariant as error:
        raise invalid("variant_id", "The broadcast has no variant with this id.") from error
    return answer(detail(own_broadcast(path.broadcast_id)))


@api.post("/broadcasts/<broadcast_id>/duplicate", responses={201: BroadcastDetail})
def duplicate_broadcast(path: BroadcastPath, body: Duplication) -> Response:
    """Write it once more

    A draft with the same mail. 409: nobody can have opened it yet.
    """
    broadcast = own_broadcast(path.broadcast_id)
    name = body.name or f"{broadcast.name[:190]} (copy)"
    try:
        copy = duplicate(broadcast, name, to_non_openers=body.to == "not_opened")
    except UnknownReference as error:  # what the original names was deleted meanwhile
        raise invalid(error.field, str(error)) from error
    return answer(detail(copy), 201)


@api.get("/broadcasts/<broadcast_id>/progress", responses={200: ProgressAnswer})
def get_progress(path: BroadcastPath) -> Response:
    """See how far it is

    With `Accept: text/event-stream`: an event a second until it has ended.
    """
    broadcast = own_broadcast(path.broadcast_id)
    if request.accept_mimetypes.best_match(("application/json", "text/event-stream")) == "text/event-stream":
        return _stream(broadcast.id)
    return answer(_progress(broadcast.id))


def _progress(broadcast_id: int) -> ProgressAnswer:
    progress = ledger.progress(broadcast_id)
    total = progress.counts["total"]
    return ProgressAnswer(
        state=progress.state,
        total=total,
        handed_over=total - progress.counts["planned"] - progress.counts["claimed"],
        counts={state: number for state, number in progress.counts.items() if state != "total"},
        reasons=progress.reasons,
        rate=progress.rate,
        eta_seconds=progress.eta_seconds,
    )


def _stream(broadcast_id: int) -> Response:
    """Server-sent events (WHATWG HTML, 9.2): `progress`, and `end` after the last."""
    if not _streams.acquire(blocking=False):
        message = "Too many watch already; ask for JSON every few seconds."
        raise Refused(503, Failure(message=message, request_id=request_id()))
    response = Response(
        _events(broadcast_id, current_app.extensions["health"]),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
    response.call_on_close(_streams.release)
    return response


def _events(broadcast_id: int, health: Any) -> Iterator[str]:
    while True:
        with database.connection_context():
            progress = _progress(broadcast_id)
        yield f"event: progress\ndata: {progress.model_dump_json()}\n\n"
        if progress.state in ENDED or health.is_draining:
            yield f"event: end\ndata: {json.dumps({'state': progress.state})}\n\n"
            return
        time.sleep(STREAM_SECONDS)
