"""Audiences and the people in them: contacts, typed properties, tags, segments, imports."""

from __future__ import annotations

from peewee import (
    BigAutoField,
    BigIntegerField,
    BinaryUUIDField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
    SmallIntegerField,
)

from sidecars.models.accounts import Team
from sidecars.models.database import BaseModel, UtcDateTimeField, now
from sidecars.models.domains import SenderIdentity

SUBSCRIBED = "subscribed"
UNSUBSCRIBED = "unsubscribed"
PENDING = "pending"


class Audience(BaseModel):
    """A list of people that a team may write to.

    Readers see `public_name` (empty: `name`) and `description`; `is_open`: those who are not on it, too, and
    may join. `locale` is the language of its mails and pages as BCP 47 has it, empty where none is said.
    With `double_opt_in` new contacts are pending till they confirm a mail from `confirmation_sender`.
    `counted` is {status: contacts} as of `counted_at`, of a large one (`audiences/counting.py`).
    """

    team = ForeignKeyField(Team, backref="audiences")
    team_id: IntegerField[int]
    name = CharField(120)
    public_name = CharField(120, default="")
    description = CharField(500, default="")
    is_open = BooleanField(default=False)
    locale = CharField(35, default="")
    double_opt_in = BooleanField(default=False)
    confirmation_sender = ForeignKeyField(SenderIdentity, null=True)
    confirmation_sender_id: IntegerField[int]
    counted = JSONField(null=True)
    counted_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "audiences"
        indexes = ((("team", "name"), True),)


class Contact(BaseModel):
    """A person in one audience. `email` is kept in lower case (`names.address_key`).

    `import_id` is that of the import that made it, which subscribed it then.
    """

    id = BigAutoField()
    audience = ForeignKeyField(Audience, backref="contacts")
    audience_id: IntegerField[int]
    email = CharField(254)
    first_name = CharField(120, default="")
    last_name = CharField(120, default="")
    properties = JSONField(default=dict)
    status = CharField(16, default=SUBSCRIBED)
    subscribed_at = UtcDateTimeField(null=True)
    unsubscribed_at = UtcDateTimeField(null=True)
    import_id = IntegerField(null=True)
    created_at = UtcDateTimeField(default=now)
    updated_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "contacts"
        indexes = ((("audience", "email"), True),)


class SubscriptionChange(BaseModel):
    """A contact's move to a status, with its proof.

    `source` is one of `audiences/history.py`; `ip` and `user_agent` are the person's, where known, `shown` is
    what they read when they agreed, `reference` an id to look for: of an event, an API key, a mail.
    """

    id = BigAutoField()
    contact = ForeignKeyField(Contact, backref="subscription_changes")
    contact_id: BigIntegerField[int]
    status = CharField(16)
    source = CharField(16)
    changed_at = UtcDateTimeField(default=now)
    ip = CharField(45, default="")
    user_agent = CharField(500, default="")
    shown = CharField(1000, default="")
    reference = CharField(64, default="")

    class Meta:
        table_name = "subscription_changes"


class Confirmation(BaseModel):
    """A mail that asks a pending contact to confirm; its message id is in the link.

    `state` is waiting (for an edge), mailed, unmailed (with the `reason`) or confirmed.
    """

    id = BigAutoField()
    contact = ForeignKeyField(Contact, backref="confirmations")
    contact_id: BigIntegerField[int]
    message_id = BinaryUUIDField(unique=True)
    state = CharField(16, default="waiting")
    reason = CharField(255, default="")
    created_at = UtcDateTimeField(default=now)
    expires_at = UtcDateTimeField()

    class Meta:
        table_name = "confirmations"


class MergedContact(BaseModel):
    """A contact that is part of another now; the ledger and the events still have it by its own `id`."""

    id = BigIntegerField(primary_key=True)
    contact = ForeignKeyField(Contact, backref="merged_contacts")
    contact_id: BigIntegerField[int]
    merged_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "merged_contacts"


class PropertyDefinition(BaseModel):
    """A property that an audience's contacts may have: `kind` is text, number, date, boolean or list."""

    audience = ForeignKeyField(Audience, backref="property_definitions")
    audience_id: IntegerField[int]
    name = CharField(64)
    kind = CharField(16)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "property_definitions"
        indexes = ((("audience", "name"), True),)


class Tag(BaseModel):
    """A word put on contacts."""

    audience = ForeignKeyField(Audience, backref="tags")
    audience_id: IntegerField[int]
    name = CharField(64)

    class Meta:
        table_name = "tags"
        indexes = ((("audience", "name"), True),)


class ContactTag(BaseModel):
    """Which contact has which tag."""

    contact = ForeignKeyField(Contact, backref="contact_tags")
    contact_id: BigIntegerField[int]
    tag = ForeignKeyField(Tag, backref="contact_tags")
    tag_id: IntegerField[int]

    class Meta:
        table_name = "contact_tags"
        primary_key = CompositeKey("tag", "contact")


class Segment(BaseModel):
    """A stored filter over an audience, in `version` of the language of `audiences/segments/`.

    `contacts`, `subscribed`: how many it had at `counted_at`; nobody counts again before `recount_at`.
    """

    audience = ForeignKeyField(Audience, backref="segments")
    audience_id: IntegerField[int]
    name = CharField(120)
    version = SmallIntegerField(default=1)
    filter = JSONField()
    contacts = IntegerField(null=True)
    subscribed = IntegerField(null=True)
    counted_at = UtcDateTimeField(null=True)
    recount_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)
    updated_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "segments"
        indexes = ((("audience", "name"), True),)


class EngagementSet(BaseModel):
    """Whom a condition about broadcasts held for as of a moment; `digest` is that of the condition."""

    audience = ForeignKeyField(Audience)
    audience_id: IntegerField[int]
    digest = BlobField()
    as_of = UtcDateTimeField()
    created_at = UtcDateTimeField(default=now, index=True)

    class Meta:
        table_name = "engagement_sets"
        indexes = ((("audience", "digest", "as_of"), True),)


class EngagedContact(BaseModel):
    """One of a set's people."""

    set_id = IntegerField()
    contact_id = BigIntegerField()

    class Meta:
        table_name = "engaged_contacts"
        primary_key = CompositeKey("set_id", "contact_id")


class ContactImport(BaseModel):
    """One CSV on its way in. Counts are rows; `errors` holds the first 1,000 as {line, field, message}.

    A worker holds it by `claim` until `lease_until`; `rows_done` = created + updated + skipped + invalid +
    duplicate. New contacts get `status`, as they agreed to by `consent`; `tags` go on everyone whom it takes.
    All errors, where they are more, are a CSV at `errors_key`.
    """

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    audience = ForeignKeyField(Audience, backref="imports")
    audience_id: IntegerField[int]
    filename = CharField(255)
    storage_key = CharField(255)
    state = CharField(16, default="uploaded")
    mapping = JSONField(default=dict)
    on_conflict = CharField(8, default="update")
    tags = JSONField(null=True)
    status = CharField(16, default=SUBSCRIBED)
    consent = CharField(1000, default="")
    rows_total = IntegerField(null=True)
    rows_done = IntegerField(default=0)
    rows_created = IntegerField(default=0)
    rows_updated = IntegerField(default=0)
    rows_invalid = IntegerField(default=0)
    rows_duplicate = IntegerField(default=0)
    rows_skipped = IntegerField(default=0)
    rows_per_second = IntegerField(null=True)
    bytes_total = BigIntegerField(default=0)
    errors = JSONField(default=list)
    errors_key = CharField(255, default="")
    reason = CharField(255, default="")
    attempts = SmallIntegerField(default=0)
    claim = BinaryUUIDField(null=True)
    lease_until = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)
    finished_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "contact_imports"


class ContactExport(BaseModel):
    """An audience's contacts on their way into a file at `storage_key`, held as an import is.

    `format` is csv or ndjson, `filter` the fields of `audiences.exporting.Chosen`.
    """

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    audience = ForeignKeyField(Audience, backref="exports")
    audience_id: IntegerField[int]
    format = CharField(8)
    filter = JSONField(default=dict)
    state = CharField(16, default="queued")
    rows_done = IntegerField(default=0)
    bytes_total = BigIntegerField(default=0)
    storage_key = CharField(255, default="")
    reason = CharField(255, default="")
    attempts = SmallIntegerField(default=0)
    claim = BinaryUUIDField(null=True)
    lease_until = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField(default=now)
    finished_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "contact_exports"
