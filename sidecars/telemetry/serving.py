"""gunicorn's settings for the web processes: `--config python:sidecars.telemetry.serving --name web`.

JSON logs from gunicorn's first line on, and a drain that says so: at SIGTERM nothing more is taken in,
requests under way are finished within `graceful_timeout`, and the last line logged is `stopped`.
"""

import logging
import signal
from types import FrameType
from typing import Any

from gunicorn.glogging import Logger

from sidecars.telemetry.setup import setup

log = logging.getLogger(__name__)


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines through our handler; `--name` is the process's name."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn in the master, before it listens; workers inherit by fork."""
        super().setup(cfg)
        setup(cfg.proc_name)
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True


def post_worker_init(worker: Any) -> None:
    """Lets the app's `/health` know of SIGTERM before gunicorn's own handler ends the worker's loop."""
    stop = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        worker.wsgi.extensions["health"].draining()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, drain)


def on_exit(server: Any) -> None:
    """The master's last words."""
    log.info("stopped")


logger_class = JsonLogger
worker_class = "sidecars.telemetry.whole_requests.WholeRequests"
worker_connections = 2000
graceful_timeout = 30
control_socket_disable = True  # would be one file in $HOME for all that run
