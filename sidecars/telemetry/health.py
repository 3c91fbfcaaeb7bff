"""`GET /health` and `GET /metrics`, the same in every process.

`/health` answers 200 while the process can do its work, else 503: `failing` (a check raised) or
`draining` (SIGTERM came; a load balancer sends nothing more).
"""

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sidecars.settings import settings
from sidecars.telemetry import backpressure, logs

log = logging.getLogger(__name__)

# Returns a detail worth reading ("8.4.2"), raises where the thing does not work.
Check = Callable[[], str]

# Of a listener for the private network, which is safe beyond it.
REQUEST_SECONDS = 10.0
MOST_REQUESTS = 50


class Health:
    """A process's answer to "can you work?"."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self.checks = dict(checks)
        self.is_draining = False

    def draining(self) -> None:
        """From now on `/health` says so; logged once."""
        if not self.is_draining:
            self.is_draining = True
            log.info("draining")

    def report(self) -> dict[str, Any]:
        """`{"status": ok|draining|failing, "process": …, "checks": {name: {"ok": …, "detail": …}}, …}`.

        `held_up_by` has the seconds for which a cause has held the process up, of those that do now.
        """
        checks = {name: _outcome(check) for name, check in self.checks.items()}
        failing = not all(check["ok"] for check in checks.values())
        status = "draining" if self.is_draining else "failing" if failing else "ok"
        causes = {cause: round(since, 1) for cause, since in backpressure.held_up_by().items() if since}
        return {"status": status, "process": logs.process_name(), "checks": checks, "held_up_by": causes}


def _outcome(check: Check) -> dict[str, Any]:
    try:
        return {"ok": True, "detail": check()}
    except Exception as error:
        return {"ok": False, "detail": f"{type(error).__name__}: {error}"[:500]}


def instrument(app: Flask, checks: Mapping[str, Check]) -> Health:
    """Gives a Flask app `/health` and `/metrics`, and counts its requests by rule, method and status.

    Requests are told apart by their rule (`/c/<token>/<int:n>`), as paths hold tokens without end.
    """
    health = Health(checks)
    app.extensions["health"] = health

    # A registry an app, as tests hold several apps in one process; the process's own values come with it.
    registry = CollectorRegistry()
    registry.register(REGISTRY)
    exporter = PrometheusMetrics(app, group_by="url_rule", registry=registry)

    def answer_health() -> tuple[dict[str, Any], int]:
        report = health.report()
        return report, 200 if report["status"] == "ok" else 503

    app.add_url_rule("/health", view_func=exporter.do_not_track()(answer_health))
    return health


class _Handler(WSGIRequestHandler):
    """Ends a connection on which a request takes too long to come."""

    def handle(self) -> None:
        timer = threading.Timer(REQUEST_SECONDS, self._end)
        timer.daemon = True
        timer.start()
        try:
            super().handle()
        finally:
            timer.cancel()

    def _end(self) -> None:
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("it is gone")


class _Server(ThreadedWSGIServer):
    """Answers so many at once; whoever comes beyond that is hung up on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._free = threading.Semaphore(MOST_REQUESTS)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


class HealthServer:
    """`/health` and `/metrics` of a process that serves nothing else, in a thread of its own."""

    def __init__(self, port: int, checks: Mapping[str, Check]) -> None:
        app = Flask(__name__)
        self.health = instrument(app, checks)
        self._server = _Server(settings.health_host, port, app, handler=_Handler) if port else None
        if self._server:
            threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def draining(self) -> None:
        """From now on `/health` answers 503 with `draining`."""
        self.health.draining()

    def close(self) -> None:
        """Stops listening."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()


def health_server(port: int, checks: Mapping[str, Check]) -> HealthServer:
    """Starts answering at HEALTH_HOST:port; port 0: nowhere. Raises OSError where the port is taken."""
    return HealthServer(port, checks)
