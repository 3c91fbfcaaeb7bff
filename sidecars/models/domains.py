"""Domains a team may send from, and the identities (name and address) at them."""

from __future__ import annotations

from peewee import BooleanField, CharField, ForeignKeyField, IntegerField, JSONField, TextField

from sidecars.models.accounts import Team
from sidecars.models.database import BaseModel, UtcDateTimeField, now


class SendingDomain(BaseModel):
    """A From domain with its DKIM keys; private ones are sealed (`deliverability/seal.py`).

    `dkim_…` signs; `next_…` is published beside it and takes over at the next rotation (null in a row that
    was never checked). The Ed25519 key signs too, null where the team did not ask for it. `problems` is what
    the last check found: a list of {kind, required, message}. `next_check_at` null: nobody checks by itself.
    `track_…` is of submitted mail that does not say it itself. Several teams may register a name; it is that
    team's whose row is verified: `held_name`, made by the database, is unique.
    """

    team = ForeignKeyField(Team, backref="domains")
    team_id: IntegerField[int]
    name = CharField(253)
    dkim_selector = CharField(63)
    dkim_private_key = TextField()
    dkim_public_key = TextField()
    next_selector = CharField(63, null=True)
    next_private_key = TextField(null=True)
    next_public_key = TextField(null=True)
    next_verified_at = UtcDateTimeField(null=True)
    previous_selector = CharField(63, null=True)
    rotated_at = UtcDateTimeField(null=True)
    ed25519_selector = CharField(63, null=True)
    ed25519_private_key = TextField(null=True)
    ed25519_public_key = CharField(44, null=True)
    return_path = CharField(253)
    tracking_host = CharField(253, null=True)
    tracking_verified_at = UtcDateTimeField(null=True)
    track_opens = BooleanField(default=False)
    track_clicks = BooleanField(default=False)
    dkim_verified_at = UtcDateTimeField(null=True)
    ed25519_verified_at = UtcDateTimeField(null=True)
    return_path_verified_at = UtcDateTimeField(null=True)
    verified_at = UtcDateTimeField(null=True)
    held_name = CharField(253, null=True, unique=True)
    failing_since = UtcDateTimeField(null=True)
    checked_at = UtcDateTimeField(null=True)
    problems = JSONField(null=True)
    next_check_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "sending_domains"
        indexes = ((("name", "team"), True),)


class SenderIdentity(BaseModel):
    """What readers see as From, and where their answers go (`reply_to`, null: to the address).

    `domain` is null once the team removed it: nothing can be sent any more, what was sent keeps its sender.
    """

    team = ForeignKeyField(Team, backref="senders")
    team_id: IntegerField[int]
    domain = ForeignKeyField(SendingDomain, backref="senders", null=True)
    domain_id: IntegerField[int | None]
    name = CharField(120)
    address = CharField(254)
    reply_to = CharField(254, null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "sender_identities"
        indexes = ((("team", "address"), True),)
