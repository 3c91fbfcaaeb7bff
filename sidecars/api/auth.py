"""Who asks: `Authorization: Bearer <API key>`, a key of one team."""

from flask import Flask, Response, g, jsonify, make_response, request

from sidecars.accounts import keys

LIMITED = "This API key may only submit mail by SMTP. Use a key without limits here."
HOW = "Send your API key in the header Authorization: Bearer kb_…"


def register(app: Flask) -> None:
    """Lets nothing below /v1/ be asked without a key."""
    app.before_request(_authenticate)


def team_id() -> int:
    """The team that the request's key belongs to."""
    return int(g.team_id)


def _authenticate() -> Response | None:
    if not request.path.startswith("/v1/"):
        return None
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        return refusal(HOW)
    key = keys.check(secret.strip())
    if key is None:
        return refusal(f"This API key is not known, or was revoked. {HOW}")
    if key.scopes:
        return make_response(jsonify(message=LIMITED), 403)
    g.team_id = key.team_id
    g.api_key_id = key.id
    return None


def refusal(message: str) -> Response:
    """401, with what to send."""
    response = jsonify(message=message)
    response.status_code = 401
    response.headers["WWW-Authenticate"] = 'Bearer realm="kibamail"'  # RFC 6750 section 3
    return response
