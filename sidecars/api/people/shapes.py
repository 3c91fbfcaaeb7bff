"""What the addresses of people have in common: passwords, addresses, and what a login answers."""

from typing import Annotated

from flask import Response, g, request
from pydantic import AfterValidator, Field, StringConstraints

from sidecars.accounts import sessions
from sidecars.api import auth
from sidecars.api.ids import SessionId
from sidecars.api.me import PersonAnswer, shown
from sidecars.api.shapes import Address, Answer, Body, Line, Timestamp, answer
from sidecars.models import User
from sidecars.names import address_key

# NIST SP 800-63B-4 section 3.1.1.2 wants 15 of a password alone and 8 beside a second factor, and no rules.
Password = Annotated[str, StringConstraints(min_length=12, max_length=1000)]
# The same for one that may have been set otherwise.
GivenPassword = Annotated[str, StringConstraints(max_length=1000)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Name = Annotated[Line, Field(max_length=120)]
Email = Annotated[Address, AfterValidator(address_key)]


class Login(Body):
    """What every login may say."""

    cookie: bool = Field(
        False,
        description="true: the session comes as a cookie that no script reads, and not in the answer.",
    )


class SessionAnswer(Answer):
    """A person logged in somewhere."""

    id: SessionId
    user_agent: str
    ip: str
    created_at: Timestamp
    last_seen_at: Timestamp = Field(description="To within five minutes.")
    expires_at: Timestamp


class SessionBegun(Answer):
    """Logged in."""

    token: str | None = Field(description="For `Authorization: Bearer`; told this once. Null with a cookie.")
    session: SessionAnswer
    person: PersonAnswer


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or ""


def concerns(*, user: int, team: int | None = None) -> None:
    """For the audit log, where a request shows who it was only once it is answered."""
    g.concerned_user = user
    if team is not None:
        g.concerned_team = team


def begin_session(user: User, by_cookie: bool) -> Response:
    """Logs in here the person who has proved to be it."""
    concerns(user=user.id)
    begun = sessions.begin(user.id, request.user_agent.string, address())
    told = SessionBegun(
        token=None if by_cookie else begun.secret,
        session=SessionAnswer.model_validate(begun.record),
        person=shown(user),
    )
    response = answer(told, 201)
    if by_cookie:
        response.set_cookie(
            auth.COOKIE,
            begun.secret,
            max_age=sessions.LIFE,
            secure=True,
            httponly=True,
            samesite="Strict",
        )
    return response
