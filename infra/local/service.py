"""What the five services have in common: ports, a folder, a process, and a question that shows it is up."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from infra.local.daemon import Daemon
from infra.local.ports import require_free
from infra.local.tools import search_path


class Service(ABC):
    """One server below a stack's home. Subclasses say how it is set up, started and asked."""

    name: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]]

    def __init__(self, home: Path, ports: Mapping[str, int], secrets: Mapping[str, str]) -> None:
        self.folder = home / self.name
        self.ports = ports
        self.secrets = secrets
        self.daemon = Daemon(self.name, home)

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Writes the configuration below `folder` and returns the server's command line."""

    @abstractmethod
    def check(self) -> str:
        """Asks the server something that only a working one answers. Returns its version, else raises."""

    def environment(self) -> dict[str, str]:
        """The server's environment."""
        return {**os.environ, "PATH": search_path()}

    def start(self) -> None:
        """Starts the server unless it runs, and returns when it answers. Raises LocalError."""
        if self.daemon.pid() is None:
            require_free(self.name, (self.ports[name] for name in self.port_names))
            self.folder.mkdir(parents=True, exist_ok=True)
            self.daemon.start(self.command(), self.environment(), self.folder)
        self.daemon.wait_until(self.check)

    def stop(self) -> None:
        """Ends the server, if it runs; its data stays."""
        self.daemon.stop()
