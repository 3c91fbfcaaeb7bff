"""What a team's people are told by mail, and the streams of submitted mail that stopped themselves."""

from __future__ import annotations

from peewee import CharField, CompositeKey, ForeignKeyField, IntegerField, TextField

from sidecars.models.accounts import Team
from sidecars.models.database import BaseModel, UtcDateTimeField, now


class Notice(BaseModel):
    """Something that happened: of a `kind`, `about` a thing (`broadcast:7`) there is a row an `occurrence`.

    `waiting` until its mails stand in the ledger, `addressed` until an edge has them, then `mailed`; or
    `unmailed`, for the `reason`. Its mails are rows of `emails` with source `notice`.
    """

    team = ForeignKeyField(Team, backref="notices")
    team_id: IntegerField[int]
    kind = CharField(32)
    about = CharField(64)
    occurrence = CharField(64)
    subject = CharField(255)
    text = TextField()
    state = CharField(16, default="waiting")
    reason = CharField(255, default="")
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "notices"
        indexes = ((("team", "kind", "about", "occurrence"), True),)


class MailStream(BaseModel):
    """What a team submits by SMTP on one stream, `transactional` or `broadcast`, once it ever stopped itself.

    Edges refuse it while `stopped_at` is set; `reason` has the figures.
    """

    team = ForeignKeyField(Team, backref="streams")
    team_id: IntegerField[int]
    stream = CharField(16)
    stopped_at = UtcDateTimeField(null=True)
    reason = CharField(255, default="")
    resumed_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "mail_streams"
        primary_key = CompositeKey("team", "stream")
