"""/v1/me/passkeys, and logins by one."""

from typing import Any

from flask import Response
from pydantic import Field

from sidecars.accounts import passkeys
from sidecars.accounts.permissions import ANYONE, PERSON
from sidecars.api.auth import fresh_person, person
from sidecars.api.errors import not_found
from sidecars.api.ids import PasskeyId
from sidecars.api.people.shapes import Login, Name, SessionBegun, begin_session
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, Path, Timestamp, answer, example
from sidecars.models import Passkey

api = resource("Passkeys", "Logins by a person's device, which verifies them.", "team")

_CREDENTIAL: dict[str, Any] = {
    "id": "AQID",
    "rawId": "AQID",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
}
_ASSERTION = _CREDENTIAL | {
    "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"}
}


class PasskeyPath(Path):
    """Which passkey."""

    passkey_id: PasskeyId


class Options(Answer):
    """What to ask the browser with."""

    options: dict[str, Any] = Field(
        description="For `PublicKeyCredential.parseCreationOptionsFromJSON` or `…RequestOptionsFromJSON`."
    )


class NewPasskey(Body):
    """What the browser made, as `credential.toJSON()` gives it."""

    model_config = example({"name": "Laptop", "credential": _CREDENTIAL})

    name: Name
    credential: dict[str, Any]


class PasskeyLogin(Login):
    """What the browser answered."""

    model_config = example({"credential": _ASSERTION})

    credential: dict[str, Any]


class PasskeyAnswer(Answer):
    """A passkey of the person's."""

    id: PasskeyId
    name: str
    created_at: Timestamp
    last_used_at: Timestamp | None


class PasskeyList(Answer):
    """All of them."""

    data: list[PasskeyAnswer]
    next_cursor: None


@api.get("/me/passkeys", responses={200: PasskeyList})
@needs(PERSON)
def list_passkeys() -> Response:
    """List one's passkeys"""
    rows = [PasskeyAnswer.model_validate(row) for row in passkeys.of(person().id)]
    return answer(PasskeyList(data=rows, next_cursor=None))


@api.post("/me/passkeys/options", responses={200: Options})
@needs(PERSON)
def begin_passkey() -> Response:
    """Ask with what to make a passkey; it holds for five minutes"""
    return answer(Options(options=passkeys.registration_options(fresh_person())))


@api.post("/me/passkeys", responses={201: PasskeyAnswer})
@needs(PERSON)
def create_passkey(body: NewPasskey) -> Response:
    """Keep a passkey that the browser made"""
    made: Passkey = passkeys.register(fresh_person(), body.name, body.credential)
    return answer(PasskeyAnswer.model_validate(made), 201)


@api.delete("/me/passkeys/<passkey_id>", responses={204: None})
@needs(PERSON)
def remove_passkey(path: PasskeyPath) -> tuple[str, int]:
    """Forget a passkey"""
    if not passkeys.remove(person().id, path.passkey_id):
        raise not_found("passkey of yours")
    return "", 204


@api.post("/auth/passkey/options", responses={200: Options})
@needs(ANYONE)
def begin_passkey_login() -> Response:
    """Ask with what to log in by passkey; it holds for five minutes"""
    return answer(Options(options=passkeys.login_options()))


@api.post("/auth/passkey", responses={201: SessionBegun})
@needs(ANYONE)
def log_in_by_passkey(body: PasskeyLogin) -> Response:
    """Log in by passkey"""
    return begin_session(passkeys.log_in(body.credential), body.cookie)
