"""/v1/auth/single-sign-on: logins by the operator's OpenID provider."""

from flask import Response
from pydantic import Field

from sidecars.accounts import single_sign_on
from sidecars.accounts.permissions import ANYONE
from sidecars.api.people.shapes import Login, SessionBegun, Token, begin_session
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, answer, example

api = resource("Single sign-on", "Logins by the operator's OpenID provider.", "team")


class Begun(Answer):
    """Where the person goes next. They come back to APP_URL/single-sign-on with `code` and `state`."""

    authorization_url: str
    flow: str = Field(description="Keep it where the person began: it goes with what they come back with.")


class Answered(Login):
    """What the person came back with, and what was kept for it."""

    model_config = example({"code": "SplxlOBeZQQYbYS6WxSbIA", "state": "af0ifjsldkj", "flow": "Mtl0pQ3T"})

    code: str = Field(min_length=1, max_length=4096)
    state: Token
    flow: Token


@api.post("/auth/single-sign-on", responses={200: Begun})
@needs(ANYONE)
def begin_single_sign_on() -> Response:
    """Begin a login by the provider; it holds for ten minutes"""
    begun = single_sign_on.begin()
    return answer(Begun(authorization_url=begun.authorization_url, flow=begun.flow))


@api.post("/auth/single-sign-on/finish", responses={201: SessionBegun})
@needs(ANYONE)
def finish_single_sign_on(body: Answered) -> Response:
    """Log in by what the provider answered

    Who is new gets an account and a team where sign-up is open.
    """
    return begin_session(single_sign_on.finish(body.code, body.state, body.flow), body.cookie)
