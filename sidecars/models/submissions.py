"""Mail that apps submit by HTTP. Its recipients are rows of `emails` and of the ledger."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BinaryUUIDField,
    BlobField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
    SmallIntegerField,
)

from sidecars.models.accounts import Team
from sidecars.models.database import BaseModel, UtcDateTimeField, now


class Submission(BaseModel):
    """One mail to one recipient or more; `emails.submission` is the id's 32 digits.

    `content` is a `mail.letter.Letter`, or in S3 under `storage_key`; both null: nobody is left
    to be sent to.
    `sender` is the address of From; `send_at` is null where it was to go at once.
    """

    id = BinaryUUIDField(primary_key=True)  # type: ignore[assignment]
    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    stream = CharField(16)
    sender = CharField(254)
    send_at = UtcDateTimeField(null=True)
    tags = JSONField(default=list)
    metadata = JSONField(default=dict)
    content = BlobField(null=True)
    storage_key = CharField(255, null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "submissions"


class QueuedSubmission(BaseModel):
    """A submission that has recipients no edge has yet; the row goes with the last of them.

    It may be taken when `due_at` has come: its moment, the end of a rest, or the end of the lease of a worker
    that died. `claim` is the worker's own UUID while one has it. `size` is the bytes of its content.
    """

    submission_id = BinaryUUIDField(primary_key=True)
    due_at = UtcDateTimeField()
    size = IntegerField()
    claim = BinaryUUIDField(null=True)
    attempts = SmallIntegerField(default=0)

    class Meta:
        table_name = "submission_queue"


class EmailTag(BaseModel):
    """A word that a program said of a mail, to find it by."""

    team_id = IntegerField()
    tag = CharField(100)
    created_at = UtcDateTimeField()
    email_id = BigIntegerField()

    class Meta:
        table_name = "email_tags"
        primary_key = CompositeKey("team_id", "tag", "created_at", "email_id")


class IdempotencyKey(BaseModel):
    """The first answer to a request with a team's key: `digest` is its own, `request` that of the body."""

    team_id = IntegerField()
    digest = BlobField()
    request = BlobField()
    answer = BlobField()
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "idempotency_keys"
        primary_key = CompositeKey("team_id", "digest")
