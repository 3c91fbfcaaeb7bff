"""Addresses of people: how they come in, what they have, the teams that they are in, and who changed what."""

from flask import Flask, Response, jsonify, make_response

from sidecars.accounts.errors import LoginRefused, NotPossible, TooManyTries, Wrong
from sidecars.api.auth import refusal
from sidecars.api.people import (
    audit,
    invitations,
    members,
    my_teams,
    passkeys,
    second_factor,
    sessions,
    signing_in,
    single_sign_on,
)

RESOURCES = (
    signing_in,
    passkeys,
    single_sign_on,
    sessions,
    second_factor,
    my_teams,
    members,
    invitations,
    audit,
)


def register(app: Flask) -> None:
    """What `accounts` refuses is answered in the API's shapes; changes are written down."""
    app.register_error_handler(LoginRefused, lambda error: refusal(str(error)))
    app.register_error_handler(TooManyTries, _too_many)
    app.register_error_handler(NotPossible, _not_possible)
    app.register_error_handler(Wrong, _wrong)
    audit.register(app)


def _too_many(error: TooManyTries) -> Response:
    response = make_response(jsonify(message=str(error)), 429)
    response.headers["Retry-After"] = str(error.seconds)
    return response


def _not_possible(error: NotPossible) -> Response:
    return make_response(jsonify(message=str(error), state=error.state), 409)


def _wrong(error: Wrong) -> Response:
    told = {"message": str(error), "field": error.field}
    return make_response(jsonify(message=f"{error.field}: {error}", errors=[told]), 422)
