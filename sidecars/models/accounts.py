"""Teams, the people in them, and the API keys by which their programs come in."""

from __future__ import annotations

from peewee import BlobField, CharField, CompositeKey, ForeignKeyField, IntegerField, JSONField

from sidecars.models.database import BaseModel, UtcDateTimeField, now


class Team(BaseModel):
    """Who sends: owns domains, audiences, broadcasts and keys.

    `recipients_an_hour` of mail submitted by SMTP; 0: any number; null: as RECIPIENTS_AN_HOUR says.
    """

    name = CharField(120)
    recipients_an_hour = IntegerField(null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "teams"


class User(BaseModel):
    """A person; `password_hash` is argon2, null where the person only signs in elsewhere."""

    email = CharField(254, unique=True)
    name = CharField(120)
    password_hash = CharField(255, null=True)
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
    revoked_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "api_keys"
