"""Who asks below /operator: whoever has OPERATOR_TOKEN. Its pages are the installation's, not a team's."""

import hmac
import re

from flask import Flask, Response, request

from sidecars.api.auth import refusal
from sidecars.settings import settings

PREFIX = "/operator"
NAME = "X-Operator"
HOW = f"Send OPERATOR_TOKEN in the header Authorization: Bearer …, and your name in {NAME}."
OFF = "There is no operator API here. Set OPERATOR_TOKEN (32 characters or more) and start `web` again."

_LEAST_LENGTH = 32
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]+")


def register(app: Flask) -> None:
    """Lets nothing below /operator/ be asked without the token."""
    app.before_request(_authenticate)


def operator() -> str:
    """Who says to be asking, for the log of actions."""
    given = _NOT_PRINTABLE.sub(" ", request.headers.get(NAME, "")).strip()
    return given[:120] or "operator"


def _authenticate() -> Response | None:
    if not request.path.startswith(f"{PREFIX}/"):
        return None
    token = settings.operator_token.get_secret_value()
    if len(token) < _LEAST_LENGTH:
        return refusal(OFF)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        return refusal(HOW)
    return None
