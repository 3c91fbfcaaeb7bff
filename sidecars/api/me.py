"""/v1/me: who asks, and what they may do."""

from typing import Annotated

from flask import Response
from pydantic import Field

from sidecars.accounts.permissions import PERSON, SIGNED_IN
from sidecars.api.auth import actor, person
from sidecars.api.ids import KeyId, TeamId, UserId
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, Line, Timestamp, answer, example
from sidecars.models import ApiKey, Team, User

api = resource("Account", "Who asks: a team's key, or a person.", "team")


class TeamAnswer(Answer):
    """A team."""

    id: TeamId
    name: str
    created_at: Timestamp


class OwnKey(Answer):
    """An API key, without its secret."""

    id: KeyId
    name: str
    prefix: str = Field(description="How the key begins.")
    created_at: Timestamp
    last_used_at: Timestamp | None = Field(description="To within five minutes.")
    expires_at: Timestamp | None


class PersonAnswer(Answer):
    """A person."""

    id: UserId
    email: str
    name: str
    has_password: bool
    has_totp: bool = Field(description="Whether a login wants the code of an authenticator.")
    created_at: Timestamp


class Me(Answer):
    """Who asks: `api_key` or `person`, the other is null."""

    team: TeamAnswer | None = Field(description="Null for a person in none, or in several and naming none.")
    api_key: OwnKey | None
    person: PersonAnswer | None
    role: str | None = Field(description="The person's in the team.")
    permissions: list[str] = Field(description="All that they may do in the team.")


class ChangedPerson(Body):
    """What of oneself to change."""

    model_config = example({"name": "Ada Lovelace"})

    name: Annotated[Line, Field(max_length=120)]


@api.get("/me", responses={200: Me})
@needs(SIGNED_IN)
def get_me() -> Response:
    """Who asks, and what they may do"""
    return answer(_me())


@api.patch("/me", responses={200: Me})
@needs(PERSON)
def update_me(body: ChangedPerson) -> Response:
    """Change one's own name"""
    User.update(name=body.name).where(User.id == person().id).execute()
    person().name = body.name
    return answer(_me())


def shown(user: User) -> PersonAnswer:
    """The person as they see themselves."""
    return PersonAnswer(
        id=user.id,
        email=user.email,
        name=user.name,
        has_password=user.password_hash is not None,
        has_totp=user.totp_confirmed_at is not None,
        created_at=user.created_at,
    )


def _me() -> Me:
    who = actor()
    team = None if who.team_id is None else TeamAnswer.model_validate(Team.get_by_id(who.team_id))
    key = None if who.key_id is None else OwnKey.model_validate(ApiKey.get_by_id(who.key_id))
    user = None if who.user is None else shown(who.user)
    return Me(team=team, api_key=key, person=user, role=who.role, permissions=sorted(who.permissions))
