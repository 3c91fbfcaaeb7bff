"""Teams, the people in them with all by which they log in, and the API keys by which programs come in."""

from __future__ import annotations

from uuid import uuid4

from peewee import (
    BigAutoField,
    BigIntegerField,
    BinaryUUIDField,
    BlobField,
    CharField,
    CompositeKey,
    DateField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from sidecars.models.database import BaseModel, UtcDateTimeField, now


class Plan(BaseModel):
    """How much a team may have; null: any number. `credits` are mails to one recipient, in a UTC month."""

    name = CharField(64, unique=True)
    credits = BigIntegerField(null=True)
    contacts = IntegerField(null=True)
    domains = IntegerField(null=True)
    members = IntegerField(null=True)
    api_keys = IntegerField(null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "plans"


class Team(BaseModel):
    """Who sends: owns domains, audiences, broadcasts and keys.

    `recipients_an_hour` of mail submitted by SMTP; 0: any number; null: as RECIPIENTS_AN_HOUR says. `plan`
    null: as DEFAULT_PLAN says.
    """

    name = CharField(120)
    recipients_an_hour = IntegerField(null=True)
    plan = ForeignKeyField(Plan, null=True)
    plan_id: IntegerField[int | None]
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "teams"


class UsageMonth(BaseModel):
    """The credits that a team's mails hold, by stream; `month` is its first day. See `usage/allowance.py`."""

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    month = DateField()
    broadcast = BigIntegerField(default=0)
    transactional = BigIntegerField(default=0)

    class Meta:
        table_name = "usage_months"
        primary_key = CompositeKey("team", "month")


class User(BaseModel):
    """A person; `password_hash` is argon2, null where the person only signs in elsewhere.

    Nobody logs in before `email_verified_at`. `totp_secret` is sealed, and asked for once it is confirmed;
    codes up to `totp_last_step` (30 s each, counted from 1970) are used up.
    """

    email = CharField(254, unique=True)
    name = CharField(120)
    password_hash = CharField(255, null=True)
    email_verified_at = UtcDateTimeField(null=True)
    totp_secret = CharField(255, null=True)
    totp_confirmed_at = UtcDateTimeField(null=True)
    totp_last_step = BigIntegerField(default=0)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "users"


class Membership(BaseModel):
    """A person's role in a team: ADMINISTRATOR, MANAGER, AUTHOR or GUEST."""

    team = ForeignKeyField(Team, backref="memberships")
    team_id: IntegerField[int]
    user = ForeignKeyField(User, backref="memberships")
    user_id: IntegerField[int]
    role = CharField(16)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "memberships"
        primary_key = CompositeKey("team", "user")


class ApiKey(BaseModel):
    """A secret shown once; only its SHA-256 (32 bytes) is kept. `prefix` is what lists show."""

    team = ForeignKeyField(Team, backref="api_keys")
    team_id: IntegerField[int]
    name = CharField(120)
    prefix = CharField(16)
    sha256 = BlobField(unique=True)
    scopes = JSONField(default=list)
    created_at = UtcDateTimeField(default=now)
    last_used_at = UtcDateTimeField(null=True)
    expires_at = UtcDateTimeField(null=True)
    revoked_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "api_keys"


class Session(BaseModel):
    """A person logged in; gone when they log out. The token's SHA-256 alone is kept."""

    user = ForeignKeyField(User, backref="sessions")
    user_id: IntegerField[int]
    sha256 = BlobField(unique=True)
    user_agent = CharField(255)
    ip = CharField(45)
    created_at = UtcDateTimeField(default=now)
    last_seen_at = UtcDateTimeField(default=now)
    expires_at = UtcDateTimeField()

    class Meta:
        table_name = "sessions"


class RecoveryCode(BaseModel):
    """Logs in once where the authenticator is lost; gone when it was used."""

    user = ForeignKeyField(User, backref="recovery_codes")
    user_id: IntegerField[int]
    sha256 = BlobField()

    class Meta:
        table_name = "recovery_codes"
        indexes = ((("user", "sha256"), True),)


class Passkey(BaseModel):
    """A WebAuthn credential; `credential_id` and `public_key` (COSE) are base64url."""

    user = ForeignKeyField(User, backref="passkeys")
    user_id: IntegerField[int]
    name = CharField(120)
    credential_sha256 = BlobField(unique=True)
    credential_id = CharField(1400)
    public_key = TextField()
    sign_count = BigIntegerField()
    created_at = UtcDateTimeField(default=now)
    last_used_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "passkeys"


class Identity(BaseModel):
    """A person as an OpenID provider knows them; `sha256` is of issuer and subject."""

    user = ForeignKeyField(User, backref="identities")
    user_id: IntegerField[int]
    sha256 = BlobField(unique=True)
    issuer = CharField(255)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "identities"


class Invitation(BaseModel):
    """To a team, for whoever reads the mail; `open` until it is accepted or revoked, if it did not expire."""

    team = ForeignKeyField(Team, backref="invitations")
    team_id: IntegerField[int]
    email = CharField(254)
    role = CharField(16)
    invited_by = ForeignKeyField(User)
    invited_by_id: IntegerField[int]
    created_at = UtcDateTimeField(default=now)
    expires_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)
    state = CharField(16, default="open")

    class Meta:
        table_name = "invitations"


class AccountMail(BaseModel):
    """A mail to one address about its account, `waiting` until an edge has it or for a `reason` will not."""

    kind = CharField(32)
    address = CharField(254)
    user = ForeignKeyField(User, null=True)
    user_id: IntegerField[int] | None
    invitation = ForeignKeyField(Invitation, null=True)
    invitation_id: IntegerField[int] | None
    message_id = BinaryUUIDField(unique=True, default=uuid4)
    state = CharField(16, default="waiting")
    reason = CharField(255, default="")
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "account_mails"


class MailedToken(BaseModel):
    """The secret in a mail's link, as SHA-256; gone when it was used."""

    sha256 = BlobField(unique=True)
    mail = ForeignKeyField(AccountMail, backref="tokens")
    expires_at = UtcDateTimeField()

    class Meta:
        table_name = "mailed_tokens"


class AuditEntry(BaseModel):
    """Who changed what: a person or a key, in a team or in none. Ids stay when what they name is gone."""

    id = BigAutoField()
    at = UtcDateTimeField(default=now)
    team_id = IntegerField(null=True)
    user_id = IntegerField(null=True)
    api_key_id = IntegerField(null=True)
    action = CharField(64)
    object = CharField(64)
    request_id = CharField(64)
    ip = CharField(45)

    class Meta:
        table_name = "audit_log"
