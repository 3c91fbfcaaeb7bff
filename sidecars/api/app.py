"""The API: `gunicorn sidecars.api.app:app`."""

from flask_openapi3.openapi import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from sidecars.api import (
    audiences,
    auth,
    broadcasts,
    contact_batches,
    contact_histories,
    contacts,
    docs,
    domains,
    emails,
    erasures,
    errors,
    exports,
    imports,
    keys,
    layouts,
    lifecycle,
    limits,
    me,
    media,
    notices,
    openapi,
    origins,
    people,
    properties,
    rehearsals,
    reports,
    segments,
    senders,
    sending,
    streams,
    suppressions,
    templates,
    trials,
    usage,
    webhooks,
)
from sidecars.api.operator import access, actions, lanes, plans, policies, sources, teams, warmup
from sidecars.api.shapes import StrictJson
from sidecars.settings import settings
from sidecars.telemetry import checks, instrument

RESOURCES = (
    me,
    keys,
    audiences,
    contacts,
    contact_batches,
    contact_histories,
    properties,
    imports,
    exports,
    segments,
    domains,
    senders,
    broadcasts,
    templates,
    layouts,
    media,
    trials,
    rehearsals,
    sending,
    reports,
    emails,
    suppressions,
    erasures,
    streams,
    notices,
    usage,
    webhooks,
    lanes,
    sources,
    policies,
    warmup,
    plans,
    teams,
    actions,
)
MAX_BODY_BYTES = 4 * 1024 * 1024


def create_app() -> OpenAPI:
    """A new app with every resource."""
    app = OpenAPI(
        __name__,
        info=docs.INFO,
        security_schemes=docs.SECURITY_SCHEMES,
        validation_error_model=errors.Invalid,
        validation_error_callback=errors.from_pydantic,
        doc_ui=False,
        static_folder=None,
    )
    app.json = StrictJson(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # The first hook in is the first to run: an id and a connection, then the key, then the resource.
    lifecycle.register(app)
    origins.register(app)
    auth.register(app)
    access.register(app)
    limits.register(app)
    errors.register(app)
    people.register(app)
    for resource in (*RESOURCES, *people.RESOURCES):
        app.register_api(resource.api)
    docs.register(app)
    openapi.finish(app)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    instrument(app, {"mysql": checks.mysql, "redis": checks.redis})
    return app


app = create_app()
