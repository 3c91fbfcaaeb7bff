"""/v1/keys: a team's API keys, which are its passwords for SMTP too."""

from typing import Annotated, Literal, Self

from flask import Response
from pydantic import AfterValidator, Field, model_validator

from sidecars.accounts import keys
from sidecars.accounts.permissions import FOR_KEYS, PEOPLE_ONLY, WHO_MAY
from sidecars.accounts.scopes import Scope
from sidecars.api.auth import actor, team_id
from sidecars.api.errors import invalid, not_found
from sidecars.api.ids import KeyId
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Answer,
    Body,
    Line,
    Moment,
    PageQuery,
    Path,
    Timestamp,
    answer,
    example,
    page,
)
from sidecars.models import ApiKey, SendingDomain, now
from sidecars.names import PERMISSION_TO_SUBMIT

api = resource("Keys", "API keys, which are the passwords for SMTP too.", "keys")

Stream = Literal["broadcast", "transactional"]


def _known(word: str) -> str:
    if word in PEOPLE_ONLY:
        raise ValueError(f"{word} is a person's alone")
    if word not in WHO_MAY:
        raise ValueError(f"is no permission; there are {', '.join(sorted(FOR_KEYS))}")
    return word


Permission = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": sorted(FOR_KEYS)})]


class KeyPath(Path):
    """Which key."""

    key_id: KeyId


class NewKey(Body):
    """A key to make.

    One with `send_only`, `domain` or `stream` submits mail by SMTP, and is let into the API nowhere.
    """

    model_config = example({"name": "shop", "scopes": ["emails:send", "reports:read"]})

    name: Annotated[Line, Field(max_length=120)]
    scopes: list[Permission] = Field(
        [],
        max_length=len(FOR_KEYS),
        description="Its permissions; none: all that keys may have. `emails:send` opens SMTP too.",
    )
    expires_at: Moment | None = Field(None, description="When it ends by itself; null: never.")
    send_only: bool = False
    domain: Annotated[Line, Field(max_length=253)] | None = Field(
        None, description="The one domain that it may send from; null: any of the team."
    )
    stream: Stream | None = Field(None, description="The one stream that it may send on; null: both.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.scopes and self.is_for_smtp:
            raise ValueError("give scopes, or limits of a key for SMTP alone")
        if self.expires_at is not None and self.expires_at <= now():
            raise ValueError("expires_at has passed")
        return self

    @property
    def is_for_smtp(self) -> bool:
        """Whether it submits mail and does nothing else."""
        return self.send_only or self.domain is not None or self.stream is not None


class KeyAnswer(Answer):
    """A key, without its secret."""

    id: KeyId
    name: str
    prefix: str = Field(description="How the key begins.")
    scopes: list[str] = Field(description="Its permissions; none: all of keys, if not `send_only`.")
    send_only: bool
    domain: str | None
    stream: str | None
    created_at: Timestamp
    last_used_at: Timestamp | None = Field(description="By the API or SMTP; to within five minutes.")
    expires_at: Timestamp | None
    revoked_at: Timestamp | None


class KeyMade(KeyAnswer):
    """A new key, with its secret."""

    secret: str = Field(description="Told this once.")


class KeyPage(Answer):
    """Some keys."""

    data: list[KeyAnswer]
    next_cursor: str | None


@api.post("/keys", responses={201: KeyMade})
def create_key(body: NewKey) -> Response:
    """Make a key

    Its secret is in this answer and nowhere else. A key makes none that may do more than itself.
    """
    if body.domain is not None and not _has_domain(body.domain):
        raise invalid("domain", f"{body.domain} is no domain of this team; add it first (POST /v1/domains).")
    domain = body.domain.lower() if body.domain else None
    scope = Scope(body.is_for_smtp, domain, body.stream, frozenset(body.scopes))
    given = scope.allowed() or {PERMISSION_TO_SUBMIT}
    if missing := sorted(given - actor().permissions):
        raise invalid("scopes", f"Give the key no more than you have; you lack {', '.join(missing)}.")
    made = keys.make(team_id(), body.name, scope, body.expires_at)
    return answer(KeyMade(**dict(_shown(made.record)), secret=made.secret), 201)


@api.get("/keys", responses={200: KeyPage})
def list_keys(query: PageQuery) -> Response:
    """List keys, the revoked ones too"""
    found = (
        ApiKey.select()
        .where(ApiKey.team == team_id(), ApiKey.id > query.cursor)
        .order_by(ApiKey.id)
        .limit(query.limit + 1)
    )
    return answer(KeyPage(**page(list(found), query.limit, lambda row: row.id, _shown)))


@api.delete("/keys/<key_id>", responses={204: None})
def revoke_key(path: KeyPath) -> tuple[str, int]:
    """Revoke a key

    It is refused at once, and what is connected by it is hung up on within seconds.
    """
    if not keys.revoke(team_id(), path.key_id):
        raise not_found("key that is not revoked")
    return "", 204


def _has_domain(name: str) -> bool:
    return bool(
        SendingDomain.select().where(SendingDomain.team == team_id(), SendingDomain.name == name).exists()
    )


def _shown(key: ApiKey) -> KeyAnswer:
    scope = Scope.of(key.scopes)
    return KeyAnswer(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        scopes=sorted(scope.permissions),
        send_only=scope.send_only,
        domain=scope.domain,
        stream=scope.stream,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )
