"""Broadcasts with their variants, contents and links."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from sidecars.models.accounts import Team
from sidecars.models.audiences import Audience, Segment
from sidecars.models.database import BaseModel, UtcDateTimeField, now
from sidecars.models.domains import SenderIdentity


class Broadcast(BaseModel):
    """One message to many. `state` moves by the table in `broadcasts/states.py` alone.

    `exclusions`: {segments: [id], tags: [name], broadcasts: [id]}, whose people it leaves out; `choice` is
    what publishing froze of these and the segment.
    `plan_cursor` is the highest contact id planned so far; `planned_total` counts rows of `sends`. Those are
    in `archived_parts` once `archived_at` is set.
    `test_share` percent get the variants of an A/B test, till `verdict` chooses `winner_id`. `local_time`
    (ISO, without a zone) is when each reader gets it by their own clock, `timezone` that of who has none.
    `held`: some sends may not go before `release_at` (`broadcasts/held.py`). `reserved` are the credits that
    publishing took and planning has not given to sends yet, null where the team had no limit.
    """

    team = ForeignKeyField(Team, backref="broadcasts")
    team_id: IntegerField[int]
    audience = ForeignKeyField(Audience)
    audience_id: IntegerField[int]
    segment = ForeignKeyField(Segment, null=True)
    segment_id: IntegerField[int | None]
    exclusions = JSONField(null=True)
    choice = JSONField(null=True)
    sender = ForeignKeyField(SenderIdentity)
    sender_id: IntegerField[int]
    name = CharField(200)
    state = CharField(16, default="draft")
    reason = CharField(255, default="")
    track_opens = BooleanField(default=True)
    track_clicks = BooleanField(default=True)
    plan_cursor = BigIntegerField(default=0)
    planned_total = IntegerField(default=0)
    reserved = BigIntegerField(null=True)
    test_share = IntegerField(null=True)
    test_criterion = CharField(8, null=True)
    test_wait_minutes = IntegerField(null=True)
    winner_id = IntegerField(null=True)
    verdict = JSONField(null=True)
    local_time = CharField(19, default="")
    timezone = CharField(64, default="")
    when_past = CharField(8, default="")
    held = BooleanField(default=False)
    release_at = UtcDateTimeField(null=True)
    scheduled_at = UtcDateTimeField(null=True)
    published_at = UtcDateTimeField(null=True)
    planned_at = UtcDateTimeField(null=True)
    resumed_at = UtcDateTimeField(null=True)
    finished_at = UtcDateTimeField(null=True)
    archived_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)
    updated_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "broadcasts"


class Content(BaseModel):
    """What the author wrote (`kind` mjml or html, Liquid within), and what publishing froze of it.

    `prepared` is null until then: {subject, preheader, html, text}. `template_id` and `template_version` tell
    what it was made from, where it was made from a template.
    """

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    kind = CharField(8)
    subject = CharField(998)
    preheader = CharField(998, default="")
    body = TextField()
    text = TextField(null=True)
    prepared = JSONField(null=True)
    template_id = IntegerField(null=True)
    template_version = IntegerField(null=True)
    created_at = UtcDateTimeField(default=now)
    updated_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "contents"


class Variant(BaseModel):
    """One of a broadcast's versions; `weight` is its share in percent, all of a broadcast add to 100.

    `sender` is its own, null where it has that of the broadcast.
    """

    broadcast = ForeignKeyField(Broadcast, backref="variants")
    broadcast_id: IntegerField[int]
    content = ForeignKeyField(Content)
    content_id: IntegerField[int]
    sender = ForeignKeyField(SenderIdentity, null=True)
    sender_id: IntegerField[int | None]
    name = CharField(120, default="")
    weight = IntegerField(default=100)

    class Meta:
        table_name = "variants"

    @property
    def author(self) -> SenderIdentity:
        """Whom readers see in From."""
        return self.sender or self.broadcast.sender


class Link(BaseModel):
    """The target of the n-th link of a variant; may hold Liquid, filled in when it is clicked."""

    variant = ForeignKeyField(Variant, backref="links")
    variant_id: IntegerField[int]
    idx = IntegerField()
    url = TextField()

    class Meta:
        table_name = "links"
        primary_key = CompositeKey("variant", "idx")
