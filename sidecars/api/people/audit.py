"""/v1/audit: who changed what; and where it is written down, for every address at once."""

import logging
from typing import Any

import peewee
from flask import Flask, Response, g, request
from pydantic import Field

from sidecars.accounts import audit
from sidecars.accounts.permissions import PERSON
from sidecars.api.auth import actor, person, team_id
from sidecars.api.ids import AuditEntryId, KeyId, TeamId, UserId
from sidecars.api.lifecycle import request_id
from sidecars.api.people.shapes import address
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Moment, PageQuery, Timestamp, answer, page
from sidecars.models import AuditEntry

log = logging.getLogger(__name__)

api = resource("Audit", "Who changed what.", "audit")

# Mail that apps send is in the ledger, one row a recipient; hundreds a second are no news here.
UNAUDITED = ("/v1/emails", "/v1/emails/batch")
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


class AuditQuery(PageQuery):
    """Of which changes."""

    user_id: UserId | None = Field(None, description="Of this person.")
    key_id: KeyId | None = Field(None, description="Of this API key.")
    action: str | None = Field(None, max_length=64, description="Of this kind: `create_audience`.")
    since: Moment | None = Field(None, description="Not before.")
    until: Moment | None = Field(None, description="Before.")


class AuditAnswer(Answer):
    """A change that was made."""

    id: AuditEntryId
    at: Timestamp
    team_id: TeamId | None = Field(description="Null for what a person changed of themselves.")
    user_id: UserId | None = Field(description="Who did it; null for a key.")
    key_id: KeyId | None = Field(description="By which key; null for a person.")
    action: str = Field(description="The operation's name in the OpenAPI document.")
    object: str = Field(description="The id of what was changed; empty where it has none.")
    request_id: str
    ip: str


class AuditPage(Answer):
    """Some changes, the newest first."""

    data: list[AuditAnswer]
    next_cursor: str | None


@api.get("/audit", responses={200: AuditPage})
def list_changes(query: AuditQuery) -> Response:
    """List who changed what in the team, the newest first

    Reading changes nothing and is not there; nor is mail that is sent, which has its ledger.
    """
    return _page(audit.of_team(team_id()), query)


@api.get("/me/audit", responses={200: AuditPage})
@needs(PERSON)
def list_my_changes(query: AuditQuery) -> Response:
    """List what one changed oneself, logins too, the newest first"""
    return _page(audit.of_person(person().id), query)


def register(app: Flask) -> None:
    """Writes down every change below /v1 that succeeded."""
    app.after_request(_write_down)


def _write_down(response: Response) -> Response:
    is_change = request.method in _CHANGES and request.path.startswith("/v1/")
    if not is_change or response.status_code >= 400 or request.path in UNAUDITED:
        return response
    who = actor()
    try:
        audit.record(
            team_id=g.get("concerned_team", who.team_id),
            user_id=g.get("concerned_user", who.user.id if who.user else None),
            api_key_id=who.key_id,
            action=str(request.endpoint).rpartition(".")[2],
            object_id=_object_id(response),
            request_id=request_id(),
            ip=address(),
        )
    except peewee.PeeweeException:
        # The change is made; whoever reads the logs has what the table misses.
        log.exception("a change was not written down", extra={"action": request.endpoint})
    return response


def _object_id(response: Response) -> str:
    """The last id in the address; of what was made, the id in the answer."""
    if request.view_args:
        return str(list(request.view_args.values())[-1])
    made: Any = response.get_json(silent=True) if response.status_code == 201 else None
    return str(made.get("id", "")) if isinstance(made, dict) else ""


def _page(whose: Any, query: AuditQuery) -> Response:
    rows = audit.entries(
        whose,
        query.cursor,
        query.limit + 1,
        user_id=query.user_id,
        api_key_id=query.key_id,
        action=query.action,
        since=query.since,
        until=query.until,
    )
    return answer(AuditPage(**page(rows, query.limit, lambda row: row.id, _shown)))


def _shown(row: AuditEntry) -> AuditAnswer:
    return AuditAnswer(
        id=row.id,
        at=row.at,
        team_id=row.team_id,
        user_id=row.user_id,
        key_id=row.api_key_id,
        action=row.action,
        object=row.object,
        request_id=row.request_id,
        ip=row.ip,
    )
