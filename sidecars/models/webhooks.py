"""Webhooks to a team's apps: endpoints, what is to be told there, and each attempt."""

from __future__ import annotations

from peewee import (
    BigAutoField,
    BigIntegerField,
    BinaryUUIDField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from sidecars.models.accounts import Team
from sidecars.models.database import BaseModel, UtcDateTimeField, now


class WebhookEndpoint(BaseModel):
    """An address of a team's app, and the `events` it wants; of one `stream`, null: of both.

    `secret` is sealed; `previous_secret` signs beside it until `previous_until`. Nothing is sent while
    `disabled_at` is set, for the `disabled_reason`. `failures` counts turns in a row in which nothing got
    through, `failing_since` is the first of them, `rests_until` when it is tried again. `due_at` is when the
    first of its waiting deliveries is; null: none waits. `claim` is of the worker whose turn it is, until
    `lease_until`. One that its team removed keeps its row until its deliveries are swept away.
    """

    team = ForeignKeyField(Team, backref="webhook_endpoints")
    team_id: IntegerField[int]
    url = CharField(2000)
    description = CharField(255, default="")
    events = JSONField()
    stream = CharField(16, null=True)
    secret = TextField()
    previous_secret = TextField(null=True)
    previous_until = UtcDateTimeField(null=True)
    disabled_at = UtcDateTimeField(null=True)
    disabled_reason = CharField(255, default="")
    failing_since = UtcDateTimeField(null=True)
    failures = IntegerField(default=0)
    is_slow = BooleanField(default=False)
    due_at = UtcDateTimeField(null=True)
    rests_until = UtcDateTimeField(null=True)
    claim = BinaryUUIDField(null=True)
    lease_until = UtcDateTimeField(null=True)
    removed_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)
    updated_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "webhook_endpoints"


class WebhookDelivery(BaseModel):
    """One event for one endpoint: `waiting`, `delivered` or `failed`. `body` is sent as it stands here.

    `about` is the mail's message id, or stands for the broadcast or domain: events about the same go in
    order. `attempts` and `give_up_at` begin anew when it is replayed.
    """

    id = BigAutoField()
    endpoint = ForeignKeyField(WebhookEndpoint, backref="deliveries")
    endpoint_id: IntegerField[int]
    event_id = BinaryUUIDField()
    type = CharField(32)
    about = BinaryUUIDField()
    occurred_at = UtcDateTimeField()
    body = TextField()
    state = CharField(16, default="waiting")
    attempts = IntegerField(default=0)
    due_at = UtcDateTimeField()
    give_up_at = UtcDateTimeField()
    settled_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "webhook_deliveries"
        indexes = ((("endpoint", "event_id"), True),)


class WebhookAttempt(BaseModel):
    """One request: `status` 0 where no answer came, for the `error`; `reply` is its first bytes."""

    id = BigAutoField()
    endpoint = ForeignKeyField(WebhookEndpoint, backref="attempts")
    endpoint_id: IntegerField[int]
    delivery_id = BigIntegerField()
    url = CharField(2000)
    status = IntegerField()
    error = CharField(255, default="")
    reply = TextField()
    duration_ms = IntegerField()
    attempted_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "webhook_attempts"
