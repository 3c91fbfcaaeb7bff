"""GET /v1/me: whose key this is."""

from flask import Response, g
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.ids import KeyId, TeamId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Timestamp, answer
from sidecars.models import ApiKey, Team

api = resource("Account", "The team behind an API key.", "team")


class TeamAnswer(Answer):
    """A team."""

    id: TeamId
    name: str
    created_at: Timestamp


class KeyAnswer(Answer):
    """An API key, without its secret."""

    id: KeyId
    name: str
    prefix: str = Field(description="How the key begins.")
    created_at: Timestamp
    last_used_at: Timestamp | None = Field(description="To within five minutes.")


class Me(Answer):
    """Whose key this is."""

    team: TeamAnswer
    api_key: KeyAnswer


@api.get("/me", responses={200: Me})
def get_me() -> Response:
    """Whose key this is"""
    team = Team.get_by_id(team_id())
    key = ApiKey.get_by_id(g.api_key_id)
    return answer(Me(team=TeamAnswer.model_validate(team), api_key=KeyAnswer.model_validate(key)))
