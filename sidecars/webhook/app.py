"""The webhook receiver: events of the edges, opened pixels, followed links, ended subscriptions → Kafka.

It faces the internet, keeps nothing, and runs any number of times.
"""

from typing import Any

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from sidecars.models import database
from sidecars.settings import settings
from sidecars.telemetry import checks, instrument
from sidecars.webhook import assets, confirm, media, mta, pages, preferences, tracking, unsubscribe

# 2,000 events with their conversations; or fewer with inbound mails, of which each may have 64 KiB.
MAX_BODY_BYTES = 4 * 1024 * 1024


def create_app() -> Flask:
    """The WSGI application. Raises RuntimeError where a secret is missing: what it guards would be open."""
    for name in ("token_secret", "webhook_secret"):
        if not getattr(settings, name).get_secret_value():
            raise RuntimeError(f"{name.upper()} is not set. Give it 32 or more random characters.")

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    for concern in (mta, tracking, unsubscribe, preferences, confirm, assets, media):
        app.register_blueprint(concern.blueprint)
    app.register_error_handler(HTTPException, _answer_error)
    app.teardown_appcontext(_return_connection)
    # Kafka alone decides: links of which Redis or MySQL must be asked fail while those are down, but taking
    # this process out of service would lose opens and unsubscribes too.
    instrument(app, {"kafka": checks.kafka})
    return app


def _answer_error(error: HTTPException) -> Any:
    """A page for people, `{"message": …}` for programs."""
    code = error.code or 500
    if request.accept_mimetypes.accept_html and not request.path.startswith(mta.blueprint.url_prefix or "/"):
        return pages.error(code)
    return {"message": error.description}, code


def _return_connection(_: BaseException | None) -> None:
    if not database.is_closed():
        database.close()


app = create_app()
