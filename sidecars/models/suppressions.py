"""Addresses that a team must not write to any more, and why."""

from __future__ import annotations

from peewee import BlobField, CharField, CompositeKey, ForeignKeyField, IntegerField

from sidecars.models.accounts import Team
from sidecars.models.database import BaseModel, UtcDateTimeField, now

ALL_STREAMS = "all"
BROADCAST = "broadcast"
TRANSACTIONAL = "transactional"
UNSUBSCRIBE = "unsubscribe"
PAUSE = "pause"


class Suppression(BaseModel):
    """`stream` is all, broadcast or transactional; `reason` one of those that its check names.

    `event_id` is that of the event that it came of, `expires_at` null for ever.
    """

    team = ForeignKeyField(Team, backref="suppressions")
    team_id: IntegerField[int]
    email = CharField(254)
    stream = CharField(16, default=ALL_STREAMS)
    reason = CharField(16)
    detail = CharField(1000, default="")
    event_id = CharField(36, default="")
    expires_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)
    changed_at = UtcDateTimeField(index=True)  # written by MySQL, as of the other two

    class Meta:
        table_name = "suppressions"
        indexes = ((("team", "email", "stream"), True),)


class SoftBounce(BaseModel):
    """A mail that bounced for a cause at its recipient that may pass; kept for SOFT_BOUNCE_DAYS."""

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    email = CharField(254)
    event_id = CharField(36)
    bounced_at = UtcDateTimeField()

    class Meta:
        table_name = "soft_bounces"
        primary_key = CompositeKey("team", "email", "event_id")
        indexes = ((("bounced_at",), False),)


class SuppressionRemoval(BaseModel):
    """A suppression that a team took back; `because` is its reason for that, `removed_by` names who did."""

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    email = CharField(254)
    stream = CharField(16)
    reason = CharField(16)
    detail = CharField(1000)
    event_id = CharField(36)
    suppressed_at = UtcDateTimeField()
    removed_at = UtcDateTimeField(default=now)
    removed_by = CharField(64)
    because = CharField(1000)
    changed_at = UtcDateTimeField(index=True)

    class Meta:
        table_name = "suppression_removals"
        indexes = ((("team", "email"), False),)


class ErasedAddress(BaseModel):
    """Whose person wanted to be forgotten; `digest` as in `deliverability/erased.py`."""

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    digest = BlobField()
    erased_at = UtcDateTimeField(default=now)
    changed_at = UtcDateTimeField(index=True)

    class Meta:
        table_name = "erased_addresses"
        primary_key = CompositeKey("team", "digest")
