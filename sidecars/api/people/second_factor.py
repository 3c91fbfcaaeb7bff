"""/v1/me/totp: the codes of an authenticator, and recovery codes."""

from flask import Response
from pydantic import Field

from sidecars.accounts import totp
from sidecars.accounts.permissions import PERSON
from sidecars.api.auth import fresh_person
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, answer, example

api = resource("Second factor", "Codes of an authenticator beside the password.", "team")


class NewAuthenticator(Answer):
    """What an authenticator is to know. It is asked for once it is confirmed."""

    secret: str = Field(description="Base32, to type in.")
    uri: str = Field(description="`otpauth://…`, to show as a QR code.")


class Code(Body):
    """What the authenticator shows."""

    model_config = example({"code": "123456"})

    code: str = Field(max_length=40)


class RecoveryCodes(Answer):
    """Each logs in once in the place of a code. Told this once."""

    recovery_codes: list[str]


@api.post("/me/totp", responses={201: NewAuthenticator})
@needs(PERSON)
def create_totp() -> Response:
    """Begin with an authenticator

    This, and all below, wants a login of the last 15 minutes (403 otherwise).
    """
    made = totp.begin(fresh_person())
    return answer(NewAuthenticator(secret=made.secret, uri=made.provisioning_uri()), 201)


@api.post("/me/totp/confirm", responses={200: RecoveryCodes})
@needs(PERSON)
def confirm_totp(body: Code) -> Response:
    """Confirm the authenticator: from now on logins by password want its code"""
    return answer(RecoveryCodes(recovery_codes=totp.confirm(fresh_person(), body.code)))


@api.delete("/me/totp", responses={204: None})
@needs(PERSON)
def remove_totp() -> tuple[str, int]:
    """Log in without codes again"""
    totp.remove(fresh_person())
    return "", 204


@api.post("/me/recovery-codes", responses={200: RecoveryCodes})
@needs(PERSON)
def create_recovery_codes() -> Response:
    """Make new recovery codes; those before them are worth nothing any more"""
    return answer(RecoveryCodes(recovery_codes=totp.new_recovery_codes(fresh_person())))
