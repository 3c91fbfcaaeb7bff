"""/v1/keys: a team's API keys, which are its passwords for SMTP too."""

from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from sidecars.accounts import keys
from sidecars.accounts.scopes import Scope
from sidecars.api.auth import team_id
from sidecars.api.errors import invalid, not_found
from sidecars.api.ids import KeyId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Body, Line, PageQuery, Path, Timestamp, answer, example, page
from sidecars.models import ApiKey, SendingDomain

api = resource("Keys", "API keys, which are the passwords for SMTP too.", "keys")

Stream = Literal["broadcast", "transactional"]


class KeyPath(Path):
    """Which key."""

    key_id: KeyId


class NewKey(Body):
    """A key to make. One with any limit submits mail by SMTP, and is let into the API nowhere."""

    model_config = example({"name": "shop", "send_only": True, "stream": "transactional"})

    name: Annotated[Line, Field(max_length=120)]
    send_only: bool = False
    domain: Annotated[Line, Field(max_length=253)] | None = Field(
        None, description="The one domain that it may send from; null: any of the team."
    )
    stream: Stream | None = Field(None, description="The one stream that it may send on; null: both.")


class KeyAnswer(Answer):
    """A key, without its secret."""

    id: KeyId
    name: str
    prefix: str = Field(description="How the key begins.")
    send_only: bool
    domain: str | None
    stream: str | None
    created_at: Timestamp
    last_used_at: Timestamp | None = Field(description="By the API or SMTP; to within five minutes.")
    revoked_at: Timestamp | None


class KeyMade(KeyAnswer):
    """A new key, with its secret."""

    secret: str = Field(description="Told this once.")


class KeyPage(Answer):
    """Some keys."""

    data: list[KeyAnswer]
    next_cursor: int | None


@api.post("/keys", responses={201: KeyMade})
def create_key(body: NewKey) -> Response:
    """Make a key

    Its secret is in this answer and nowhere else.
    """
    if body.domain is not None and not _has_domain(body.domain):
        raise invalid("domain", f"{body.domain} is no domain of this team; add it first (POST /v1/domains).")
    domain = body.domain.lower() if body.domain else None
    limited = body.send_only or body.domain is not None or body.stream is not None
    made = keys.make(team_id(), body.name, Scope(limited, domain, body.stream))
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
        send_only=scope.send_only,
        domain=scope.domain,
        stream=scope.stream,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
