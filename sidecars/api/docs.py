"""The OpenAPI document at /openapi.json and its page at /docs, served without anyone else's server."""

from flask import Response, redirect
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from flask_openapi3.types import SecuritySchemesDict
from flask_openapi3_swagger.plugins import RegisterPlugin as Swagger  # type: ignore[import-untyped]
from werkzeug.wrappers import Response as WerkzeugResponse

from sidecars.api.resource import COOKIE_SECURITY, OPERATOR_SECURITY, SECURITY, SESSION_SECURITY
from sidecars.settings import settings

INFO = Info(
    title="Kibamail",
    version=settings.release,
    description=(
        "Broadcasts and transactional mail from your own servers, with an account of every recipient.\n\n"
        "Lists answer `{data, next_cursor}`; ask again with `?cursor=` till `next_cursor` is null. "
        "Moments are UTC by RFC 3339. Every answer carries `X-Request-ID`."
    ),
)
SECURITY_SCHEMES: SecuritySchemesDict = {
    SECURITY: {"type": "http", "scheme": "bearer", "description": "An API key of your team: `kb_…`"},
    SESSION_SECURITY: {
        "type": "http",
        "scheme": "bearer",
        "description": "A person's session, as a login answers it: `kbs_…`; X-Kiba-Team names a team.",
    },
    COOKIE_SECURITY: {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-kiba_session",
        "description": "The same as a cookie; what changes something needs the header X-Kiba-CSRF beside it.",
    },
    OPERATOR_SECURITY: {
        "type": "http",
        "scheme": "bearer",
        "description": "OPERATOR_TOKEN of this installation; X-Operator may say who asks, for the log.",
    },
}


def register(app: OpenAPI) -> None:
    """Adds the pages."""
    app.config["SWAGGER_CONFIG"] = {
        "persistAuthorization": True,
        "validatorUrl": None,
        "docExpansion": "list",
    }
    app.register_blueprint(Swagger.register(doc_url="../openapi.json"), url_prefix="/docs")
    app.add_url_rule("/docs/", "docs", app.view_functions["swagger.swagger"])
    app.add_url_rule("/openapi.json", "openapi", lambda: app.api_doc)
    app.add_url_rule("/", "root", _to_docs)


def _to_docs() -> WerkzeugResponse | Response:
    return redirect("/docs/")
