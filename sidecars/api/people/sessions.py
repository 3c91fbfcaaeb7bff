"""/v1/sessions: where a person is logged in; and their password."""

from flask import Response
from pydantic import Field

from sidecars.accounts import people, sessions
from sidecars.accounts.permissions import PERSON
from sidecars.api import auth
from sidecars.api.errors import Message, not_found
from sidecars.api.ids import SessionId
from sidecars.api.people.shapes import GivenPassword, Password, SessionAnswer, address
from sidecars.api.people.signing_in import PASSWORD
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, PageQuery, Path, answer, example, page
from sidecars.models import Session

api = resource("Sessions", "Where a person is logged in.", "team")


class SessionPath(Path):
    """Which session."""

    session_id: SessionId


class ListedSession(SessionAnswer):
    """A session, and whether it is the one that asks."""

    is_current: bool


class SessionPage(Answer):
    """Some sessions."""

    data: list[ListedSession]
    next_cursor: str | None


class ChangedPassword(Body):
    """The password that is, and the one that is to be."""

    model_config = example({"current": PASSWORD, "password": "another horse, another battery"})

    current: GivenPassword | None = Field(None, description="Needed where the person has one.")
    password: Password


@api.get("/sessions", responses={200: SessionPage})
@needs(PERSON)
def list_sessions(query: PageQuery) -> Response:
    """List where one is logged in"""
    found = sessions.of(auth.person().id, query.cursor, query.limit + 1)
    return answer(SessionPage(**page(found, query.limit, lambda row: row.id, _shown)))


@api.delete("/sessions/<session_id>", responses={204: None})
@needs(PERSON)
def end_session(path: SessionPath) -> tuple[str, int]:
    """Log out there"""
    if not sessions.end(auth.person().id, path.session_id):
        raise not_found("session of yours")
    return "", 204


@api.delete("/sessions", responses={204: None})
@needs(PERSON)
def end_other_sessions() -> tuple[str, int]:
    """Log out everywhere but here"""
    sessions.end_others(auth.person().id, auth.session().id)
    return "", 204


@api.post("/auth/log-out", responses={204: None})
@needs(PERSON)
def log_out() -> Response:
    """Log out here"""
    sessions.end(auth.person().id, auth.session().id)
    response = Response(status=204)
    response.delete_cookie(auth.COOKIE, secure=True, httponly=True, samesite="Strict")
    return response


@api.put("/me/password", responses={204: None, 429: Message})
@needs(PERSON)
def change_password(body: ChangedPassword) -> tuple[str, int]:
    """Change one's password

    It logs out everywhere but here. Without a password so far, the login must be of the last minutes.
    """
    who = auth.person()
    if who.password_hash is None:
        auth.fresh_person()
    people.change_password(who, body.current, body.password, auth.session().id, address())
    return "", 204


def _shown(row: Session) -> ListedSession:
    return ListedSession(
        id=row.id,
        user_agent=row.user_agent,
        ip=row.ip,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        is_current=row.id == auth.session().id,
    )
