"""The process types of the Procfile, and the simulator beside them, each as a background process."""

import urllib.request
from collections.abc import Mapping
from pathlib import Path

from honcho.environ import parse_procfile

from infra.local.config import REPOSITORY
from infra.local.daemon import Daemon
from infra.local.ports import require_free

SIMULATOR = "simulator"

# In the order in which mail and what is known of it flow. /health is on the first port of each.
PORTS = {
    "web": ("web",),
    "fanout": ("fanout_health",),
    "smtp": ("smtp_health", "smtp_inbound", "smtp_submission", "smtps", "smtp_internal"),
    "webhook": ("webhook",),
    "enricher": ("enricher_health",),
    "courier": ("courier_health",),
    SIMULATOR: ("simulator_http", "simulator_smtp", "simulator_dns"),
}


def commands() -> dict[str, str]:
    """Shell command of each process type."""
    procfile = parse_procfile((REPOSITORY / "Procfile").read_text()).processes
    return {**procfile, SIMULATOR: "exec python -m simulator"}


class Process:
    """One process type, run once."""

    def __init__(self, name: str, home: Path, ports: Mapping[str, int]) -> None:
        self.name = name
        self.ports = [ports[port] for port in PORTS[name]]
        self.daemon = Daemon(name, home)

    @property
    def health_url(self) -> str:
        """Answers 200 while the process is well, 503 while it drains or fails."""
        return f"http://127.0.0.1:{self.ports[0]}/health"

    def launch(self, env: Mapping[str, str]) -> None:
        """Starts it unless it runs, and does not wait."""
        if self.daemon.pid() is None:
            require_free(self.name, self.ports)
            self.daemon.start(("/bin/sh", "-c", commands()[self.name]), env, REPOSITORY)

    def wait_healthy(self, timeout: float = 120) -> None:
        """Returns when /health answers 200. Raises LocalError with the log's end otherwise."""
        self.daemon.wait_until(lambda: urllib.request.urlopen(self.health_url, timeout=5).close(), timeout)

    def stop(self) -> None:
        """Lets it drain, then ends it."""
        self.daemon.stop()
