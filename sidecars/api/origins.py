"""Which pages of other origins a browser lets ask the API (CORS, by the Fetch standard)."""

from flask import Flask, Response, request

from sidecars.settings import settings

SENT = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Kiba-CSRF, X-Kiba-Team, X-Request-ID"
EXPOSED = "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
METHODS = "GET, POST, PUT, PATCH, DELETE"
SECONDS = 3600


def register(app: Flask) -> None:
    """Answers what browsers ask beforehand, and marks answers. Before `auth`: they ask without a key."""
    app.before_request(_preflight)
    app.after_request(_mark)


def _preflight() -> Response | None:
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    return Response(status=204) if asks and request.path.startswith("/v1/") else None


def _mark(response: Response) -> Response:
    known = settings.kiba_cors_origins.split()
    if not known or not request.path.startswith("/v1/"):
        return response
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin not in known and "*" not in known:
        return response
    # Any origin's pages may ask with a key, those that are named with a person's cookie, too.
    response.headers["Access-Control-Allow-Origin"] = origin if origin in known else "*"
    if origin in known:
        response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    if response.status_code == 204 and request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = SENT
        response.headers["Access-Control-Max-Age"] = str(SECONDS)
    return response
