"""What happens around every request: an id, a database connection, a line in the log."""

import logging
import re
import time
from uuid import uuid4

from flask import Flask, Response, g, has_request_context, request

from sidecars.models import database

log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
_SANE_ID = re.compile(r"[\w.-]{8,64}", re.ASCII)
_UNLOGGED = ("/health", "/metrics", "/docs/")


class WithRequestId(logging.Filter):
    """Puts the request's id on every line logged while it is answered."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: nothing is held back."""
        if has_request_context() and "request_id" in g:
            record.request_id = g.request_id
        return True


def request_id() -> str:
    """The id of the request being answered."""
    return str(g.request_id)


def register(app: Flask) -> None:
    """Hooks it all into the app, before whatever else is hooked in."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(WithRequestId())
    app.before_request(_begin)
    app.after_request(_log)
    app.after_request(_say_whether_it_changed)
    app.teardown_request(_end)


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get(REQUEST_ID, "")
    g.request_id = given if _SANE_ID.fullmatch(given) else str(uuid4())
    if request.path.startswith(("/v1/", "/operator/")):
        database.connect(reuse_if_open=True)


def _log(response: Response) -> Response:
    response.headers[REQUEST_ID] = g.request_id
    if not request.path.startswith(_UNLOGGED):
        log.info(
            "request",
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ms": round((time.perf_counter() - g.started) * 1000, 1),
                "team_id": g.get("team_id"),
                "api_key_id": g.get("api_key_id"),
            },
        )
    return response


def _say_whether_it_changed(response: Response) -> Response:
    """Marks what was read by its content: whoever has it already is answered 304 (RFC 9110, 13.1.2)."""
    is_read = request.method in ("GET", "HEAD") and response.status_code == 200 and not response.is_streamed
    if is_read and request.path.startswith("/v1/"):
        # Weak, as a proxy may compress; private, as another key may see another thing.
        response.add_etag(weak=True)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.vary.update(("Authorization", "Cookie", "X-Kiba-Team"))
        response.make_conditional(request)
    return response


def _end(error: BaseException | None) -> None:
    """Back to the pool, which rolls back what an error left open."""
    if not database.is_closed():
        database.close()
