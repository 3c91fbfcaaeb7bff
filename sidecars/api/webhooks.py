"""/v1/webhooks: where the team's apps are told what happens, and what came of it."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from flask import Response
from pydantic import AfterValidator, Field

from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, invalid, not_found
from sidecars.api.ids import EventId, WebhookAttemptId, WebhookDeliveryId, WebhookId
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Answer,
    Body,
    Moment,
    OptionalBody,
    OptionalLine,
    PageQuery,
    Path,
    Timestamp,
    answer,
    example,
    page,
)
from sidecars.callbacks import deliveries, endpoints
from sidecars.callbacks.client import CONNECT_SECONDS, Reply, client
from sidecars.callbacks.endpoints import TooManyEndpoints, UrlError
from sidecars.callbacks.events import EVENT_TYPES, Event, EventType, sampled, shown
from sidecars.callbacks.events import body as _body
from sidecars.callbacks.retries import judge
from sidecars.callbacks.signing import headers
from sidecars.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, now

api = resource("Webhooks", "Events told to your own apps, by Standard Webhooks.", "webhooks")

State = Literal["waiting", "delivered", "failed"]
Stream = Literal["broadcast", "transactional"]
# Each test holds one of this process's threads for as long as the app takes to answer.
_testing = threading.BoundedSemaphore(2)


def _url(url: str) -> str:
    try:
        return endpoints.checked_url(url)
    except UrlError as error:
        raise ValueError(str(error)) from error


Url = Annotated[str, Field(max_length=2000), AfterValidator(_url)]
Events = Annotated[list[EventType], Field(min_length=1), AfterValidator(lambda events: sorted(set(events)))]
Description = Annotated[OptionalLine, Field(max_length=255)]


class WebhookPath(Path):
    """Which endpoint."""

    webhook_id: WebhookId


class DeliveryPath(WebhookPath):
    """Which delivery to it."""

    delivery_id: WebhookDeliveryId


class NewWebhook(Body):
    """Where to tell, and what."""

    model_config = example(
        {"url": "https://app.acme.example/kibamail", "events": ["email.delivered", "email.bounced"]}
    )

    url: Url
    events: Events
    stream: Stream | None = Field(None, description="Mail of this stream alone; null: of both.")
    description: Description = ""


class WebhookChange(Body):
    """What to change; the rest stays."""

    model_config = example({"events": ["email.bounced"], "enabled": True})

    url: Url | None = None
    events: Events | None = None
    stream: Stream | None = None
    description: Description | None = None
    enabled: bool | None = None


class Rotation(OptionalBody):
    """For how long the old secret signs too."""

    model_config = example({"keep_hours": 24}, required=False)

    keep_hours: int = Field(24, ge=0, le=168, description="0: it signs no more, at once.")


class Test(OptionalBody):
    """Which event to make up."""

    model_config = example({"type": "email.delivered"}, required=False)

    type: EventType | None = Field(None, description="Null: the first that the endpoint wants.")


class Replay(Body):
    """Which deliveries to send anew."""

    model_config = example({"from": "2026-11-24T10:00:00Z", "to": "2026-11-25T10:00:00Z", "dry_run": True})

    since: Moment = Field(alias="from", description="Events that happened then or later.")
    to: Moment | None = Field(None, description="And before then; null: till now.")
    only_failed: bool = Field(True, description="False: what was delivered, too.")
    dry_run: bool = Field(False, description="Only count them.")


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    state: State | None = None
    type: EventType | None = None


class AttemptQuery(PageQuery):
    """Which attempts."""

    delivery_id: WebhookDeliveryId | None = Field(None, description="Those of this delivery.")


class WebhookAnswer(Answer):
    """An endpoint, and how it does."""

    id: WebhookId
    url: str
    description: str
    events: list[EventType]
    stream: Stream | None
    enabled: bool
    disabled_reason: str = Field(description="Empty while it is enabled.")
    disabled_at: Timestamp | None
    failing_since: Timestamp | None = Field(description="Since when nothing gets through; null: it does.")
    waiting: int = Field(description="Deliveries that wait, for their turn or to be tried again.")
    previous_secret_until: Timestamp | None = Field(description="Till when two secrets sign; null: one does.")
    created_at: Timestamp


class WebhookSecret(WebhookAnswer):
    """With its secret, which is not shown again."""

    secret: str = Field(json_schema_extra={"example": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"})


class WebhookList(Answer):
    """All of them."""

    data: list[WebhookAnswer]
    next_cursor: None


class EventTypeAnswer(Answer):
    """An event that can be told, with one made up."""

    type: EventType
    example: dict[str, Any]


class EventTypeList(Answer):
    """All of them."""

    data: list[EventTypeAnswer]
    next_cursor: None


class DeliveryAnswer(Answer):
    """One event for one endpoint."""

    id: WebhookDeliveryId
    event_id: EventId
    type: EventType
    state: State
    attempts: int = Field(description="Since it was last replayed.")
    next_attempt_at: Timestamp | None
    occurred_at: Timestamp
    settled_at: Timestamp | None
    body: dict[str, Any] = Field(description="As it is sent.")


class DeliveryPage(Answer):
    """Some deliveries, the newest first."""

    data: list[DeliveryAnswer]
    next_cursor: str | None


class AttemptAnswer(Answer):
    """One request, and what came of it."""

    id: WebhookAttemptId
    delivery_id: WebhookDeliveryId
    event_id: EventId
    type: EventType
    attempted_at: Timestamp
    url: str
    body: dict[str, Any]
    status: int = Field(description="0: no answer.")
    error: str
    reply: str = Field(description="Its first 1,000 bytes.")
    duration_ms: int


class AttemptPage(Answer):
    """Some attempts, the newest first."""

    data: list[AttemptAnswer]
    next_cursor: str | None


class WebhookTest(Answer):
    """What the app made of a sample."""

    ok: bool
    event_id: EventId
    body: dict[str, Any]
    status: int = Field(description="0: no answer.")
    error: str
    reply: str
    duration_ms: int


class ReplayAnswer(Answer):
    """How many deliveries are sent anew, or would be."""

    deliveries: int
    dry_run: bool


@api.get("/webhooks", responses={200: WebhookList})
def list_webhooks() -> Response:
    """List endpoints"""
    rows = endpoints.of_team(team_id())
    waiting = deliveries.waiting([row.id for row in rows])
    return answer(WebhookList(data=[_webhook(row, waiting.get(row.id, 0)) for row in rows], next_cursor=None))


@api.post("/webhooks", responses={201: WebhookSecret})
def create_webhook(body: NewWebhook) -> Response:
    """Have an app told

    The answer has the secret that signs, once. 409: the team has 50 endpoints, which is the most.
    """
    try:
        made, secret = endpoints.create(team_id(), body.url, body.events, body.stream, body.description)
    except TooManyEndpoints as error:
        raise conflict(f"A team has {endpoints.MOST_ENDPOINTS} endpoints at most.", "full") from error
    return answer(WebhookSecret(**_webhook(made, 0).__dict__, secret=secret), 201)


@api.get("/webhooks/event-types", responses={200: EventTypeList})
def list_webhook_event_types() -> Response:
    """List what apps can be told"""
    told = [
        EventTypeAnswer(type=each, example=orjson.loads(_body(sampled(team_id(), each))))
        for each in EVENT_TYPES
    ]
    return answer(EventTypeList(data=told, next_cursor=None))


@api.get("/webhooks/<webhook_id>", responses={200: WebhookAnswer})
def get_webhook(path: WebhookPath) -> Response:
    """Get an endpoint"""
    return answer(_current(path))


@api.patch("/webhooks/<webhook_id>", responses={200: WebhookAnswer})
def change_webhook(path: WebhookPath, body: WebhookChange) -> Response:
    """Change an endpoint

    `"stream": null` has it told of both streams. Disabled, it is sent nothing: what waits has failed, and
    what happens meanwhile is not kept for it.
    """
    row = _found(path)
    fields = {
        name: getattr(body, name)
        for name in body.model_fields_set - {"enabled"}
        if name == "stream" or getattr(body, name) is not None
    }
    if fields:
        endpoints.change(row, **fields)
    if body.enabled and row.disabled_at:
        endpoints.enable(row)
    elif body.enabled is False:
        endpoints.disable(row)
    return answer(_current(path))


@api.delete("/webhooks/<webhook_id>", responses={204: None})
def delete_webhook(path: WebhookPath) -> tuple[str, int]:
    """Forget an endpoint and its log"""
    endpoints.remove(_found(path))
    return "", 204


@api.post("/webhooks/<webhook_id>/rotate", responses={200: WebhookSecret})
def rotate_webhook_secret(path: WebhookPath, body: Rotation) -> Response:
    """Change the secret

    Each request has two signatures while the old one is valid, so nothing fails while the app changes over.
    """
    secret = endpoints.rotate(_found(path), timedelta(hours=body.keep_hours))
    return answer(WebhookSecret(**_current(path).__dict__, secret=secret))


@api.post("/webhooks/<webhook_id>/test", responses={200: WebhookTest})
def test_webhook(path: WebhookPath, body: Test) -> Response:
    """Send a made-up event, and see what the app answers

    At once and once; it is not in the log. 409: others are being tested, try again in some seconds.
    """
    row = _found(path)
    if not _testing.acquire(blocking=False):
        raise conflict("Other endpoints are being tested; try again in some seconds.", "busy")
    try:
        event = sampled(team_id(), body.type or row.events[0])
        reply = asyncio.run(_send(row, event))
    finally:
        _testing.release()
    return answer(
        WebhookTest(
            ok=judge(reply.status).taken,
            event_id=event.id,
            body=orjson.loads(_body(event)),
            status=reply.status,
            error=reply.error,
            reply=reply.text,
            duration_ms=int(reply.seconds * 1000),
        )
    )


@api.get("/webhooks/<webhook_id>/deliveries", responses={200: DeliveryPage})
def list_webhook_deliveries(path: WebhookPath, query: DeliveryQuery) -> Response:
    """List what is told to an endpoint"""
    rows = deliveries.page(_found(path).id, query.cursor, query.limit + 1, query.state, query.type)
    return answer(DeliveryPage(**page(rows, query.limit, lambda row: row.id, _delivery)))


@api.get("/webhooks/<webhook_id>/attempts", responses={200: AttemptPage})
def list_webhook_attempts(path: WebhookPath, query: AttemptQuery) -> Response:
    """List requests to an endpoint, with its answers"""
    rows = deliveries.attempts(_found(path).id, query.cursor, query.limit + 1, query.delivery_id)
    return answer(AttemptPage(**page(rows, query.limit, lambda row: row[0].id, _attempt)))


@api.post("/webhooks/<webhook_id>/replay", responses={200: ReplayAnswer})
def replay_webhook(path: WebhookPath, body: Replay) -> Response:
    """Send anew what happened in a span of time

    With the same ids, so an app knows what it has had. 409: the endpoint is disabled.
    """
    row = _found(path)
    wanted = deliveries.in_range(row.id, body.since, body.to or datetime.now(UTC), body.only_failed)
    if body.to and body.to <= body.since:
        raise invalid("to", "must be later than from")
    if body.dry_run:
        return answer(ReplayAnswer(deliveries=deliveries.count(*wanted), dry_run=True))
    _must_be_enabled(row)
    return answer(ReplayAnswer(deliveries=deliveries.replay(row.id, *wanted), dry_run=False))


@api.post("/webhooks/<webhook_id>/deliveries/<delivery_id>/replay", responses={200: DeliveryAnswer})
def replay_webhook_delivery(path: DeliveryPath) -> Response:
    """Send one event anew

    409: the endpoint is disabled.
    """
    row = _found(path)
    mine = (WebhookDelivery.id == path.delivery_id, WebhookDelivery.endpoint == row.id)
    if not deliveries.count(*mine):
        raise not_found("delivery")
    _must_be_enabled(row)
    deliveries.replay(row.id, *mine)
    return answer(_delivery(WebhookDelivery.get(*mine)))


def _found(path: WebhookPath) -> WebhookEndpoint:
    row = endpoints.find(team_id(), path.webhook_id)
    if row is None:
        raise not_found("webhook")
    return row


def _must_be_enabled(row: WebhookEndpoint) -> None:
    if row.disabled_at:
        raise conflict("The endpoint is disabled; enable it first.", "disabled")


def _current(path: WebhookPath) -> WebhookAnswer:
    row = _found(path)
    return _webhook(row, deliveries.waiting([row.id]).get(row.id, 0))


async def _send(row: WebhookEndpoint, event: Event) -> Reply:
    moment = now()
    text = _body(event)
    signed = headers(endpoints.secrets(row, moment), shown(event.id), int(moment.timestamp()), text)
    async with client(at_once=1) as http:
        return await http.post(row.url, text, signed, CONNECT_SECONDS)


def _webhook(row: WebhookEndpoint, waiting: int) -> WebhookAnswer:
    own = ("id", "url", "description", "events", "stream", "disabled_reason", "disabled_at", "failing_since")
    rotating = row.previous_until is not None and row.previous_until > now()
    return WebhookAnswer(
        **{name: getattr(row, name) for name in own},
        enabled=row.disabled_at is None,
        waiting=waiting,
        previous_secret_until=row.previous_until if rotating else None,
        created_at=row.created_at,
    )


def _delivery(row: WebhookDelivery) -> DeliveryAnswer:
    own = ("id", "event_id", "type", "state", "attempts", "occurred_at", "settled_at")
    return DeliveryAnswer(
        **{name: getattr(row, name) for name in own},
        next_attempt_at=row.due_at if row.state == "waiting" else None,
        body=orjson.loads(row.body),
    )


def _attempt(row: tuple[WebhookAttempt, WebhookDelivery]) -> AttemptAnswer:
    attempt, delivery = row
    own = ("id", "delivery_id", "attempted_at", "url", "status", "error", "reply", "duration_ms")
    return AttemptAnswer(
        **{name: getattr(attempt, name) for name in own},
        **{name: getattr(delivery, name) for name in ("event_id", "type")},
        body=orjson.loads(delivery.body),
    )
