"""/v1/auth: accounts made, confirmed, logged in to, and got back. Nobody needs to be known for it."""

from typing import Literal

from flask import Response
from pydantic import Field

from sidecars.accounts import people
from sidecars.accounts.permissions import ANYONE
from sidecars.api.errors import Message
from sidecars.api.people.shapes import (
    Email,
    GivenPassword,
    Login,
    Name,
    Password,
    SessionBegun,
    Token,
    address,
    begin_session,
)
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, answer, example
from sidecars.settings import settings

api = resource("Signing in", "Accounts of people: made, confirmed, logged in to, got back.", "team")

EMAIL = "ada@mail.example"
PASSWORD = "correct horse battery"  # noqa: S105 - of examples
TOKEN = "kbt_7Yp2cQ9dVb4mXk1sRt8wLz3nHf6gJa0uEoIiBvCx"  # noqa: S105
LOOK = "If this address is right, a mail is on its way to it."


class Ways(Answer):
    """How people come in here."""

    sign_up: Literal["open", "invitation", "closed"]
    passkeys: bool
    single_sign_on: bool


class SignUp(Body):
    """A new person, and their team."""

    model_config = example(
        {"email": EMAIL, "name": "Ada Lovelace", "password": PASSWORD, "team_name": "Analytical Engines"}
    )

    email: Email
    name: Name
    password: Password
    team_name: Name


class ByToken(Body):
    """The secret of a mail's link."""

    model_config = example({"token": TOKEN})

    token: Token


class PasswordLogin(Login):
    """A login by password."""

    model_config = example({"email": EMAIL, "password": PASSWORD})

    email: Email
    password: GivenPassword
    code: str | None = Field(
        None,
        max_length=40,
        description="Of the person's authenticator, or a recovery code; 409 where it lacks.",
    )


class Forgotten(Body):
    """Whose password is lost."""

    model_config = example({"email": EMAIL})

    email: Email


class NewPassword(Body):
    """The secret of a mail's link, and what to log in with from now on."""

    model_config = example({"token": TOKEN, "password": PASSWORD})

    token: Token
    password: Password


class OnItsWay(Answer):
    """What was asked for comes by mail."""

    message: str


@api.get("/auth", responses={200: Ways})
@needs(ANYONE)
def get_ways_in() -> Response:
    """How people come in here"""
    has_pages = bool(settings.app_url)
    return answer(
        Ways(
            sign_up=settings.sign_up,
            passkeys=has_pages,
            single_sign_on=has_pages and bool(settings.oidc_issuer),
        )
    )


@api.post("/auth/sign-up", responses={202: OnItsWay})
@needs(ANYONE)
def sign_up(body: SignUp) -> Response:
    """Make an account and a team

    A mail asks to confirm the address; nobody logs in before. Who has an account is answered alike.
    """
    people.sign_up(body.email, body.name, body.password, body.team_name)
    return answer(OnItsWay(message=LOOK), 202)


@api.post("/auth/confirm-address", responses={204: None})
@needs(ANYONE)
def confirm_address(body: ByToken) -> tuple[str, int]:
    """Confirm an e-mail address"""
    people.confirm_address(body.token)
    return "", 204


@api.post("/auth/log-in", responses={201: SessionBegun, 429: Message})
@needs(ANYONE)
def log_in(body: PasswordLogin) -> Response:
    """Log in by password

    409 with state `code_wanted`: send `code` too. `unconfirmed`: a mail asks to confirm the address.
    """
    user = people.log_in(body.email, body.password, body.code, address())
    return begin_session(user, body.cookie)


@api.post("/auth/forgot-password", responses={202: OnItsWay})
@needs(ANYONE)
def forgot_password(body: Forgotten) -> Response:
    """Have a link mailed that sets a new password

    The answer is the same where nobody has this address.
    """
    people.forgot_password(body.email)
    return answer(OnItsWay(message=LOOK), 202)


@api.post("/auth/reset-password", responses={204: None})
@needs(ANYONE)
def reset_password(body: NewPassword) -> tuple[str, int]:
    """Set a new password by a mail's link

    It confirms the address too, and logs out everywhere.
    """
    people.reset_password(body.token, body.password)
    return "", 204
