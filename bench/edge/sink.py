"""Building, running and reading the sink (sink.c)."""

import json
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from bench.edge.world import DOMAINS, FIRST_ADDRESS
from infra.local.daemon import Daemon
from infra.local.errors import LocalError
from infra.local.install import Say, install_debian_packages
from infra.local.ports import free_ports
from infra.local.secrets import Certificate
from infra.local.tools import search_path

SOURCE = Path(__file__).with_name("sink.c")
COMPILER = "cc"
DEBIAN_PACKAGES = {
    COMPILER: "gcc",
    "/usr/include/stdio.h": "libc6-dev",
    "/usr/include/openssl/ssl.h": "libssl-dev",
}


@dataclass(frozen=True)
class Counts:
    """What the sink has seen. Times are seconds since 1970, 0 before the first mail."""

    received: int
    unique: int
    recipients: int
    bytes: int
    connections: int
    most_open: int
    handshakes: int
    resumed: int
    first_at: float
    last_at: float

    def since(self, before: "Counts") -> "Counts":
        """What came after; `most_open` and the times are those of all."""
        sums = ("received", "unique", "recipients", "bytes", "connections", "handshakes", "resumed")
        return replace(self, **{name: getattr(self, name) - getattr(before, name) for name in sums})


def build(folder: Path, say: Say = print) -> Path:
    """Compiles the sink into `folder`; installs the compiler where it is missing. Raises LocalError."""
    install_debian_packages(say, DEBIAN_PACKAGES)
    program = folder / "sink"
    command = (COMPILER, "-std=gnu11", "-O2", "-Wall", "-o", str(program), str(SOURCE), "-lssl", "-lcrypto")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"{SOURCE.name} could not be compiled:\n{done.stderr}")
    return program


class Sink:
    """A running sink, on the addresses of world.py; a context manager, which stops it."""

    def __init__(
        self,
        program: Path,
        home: Path,
        delay_ms: int = 0,
        tls: bool = False,
        capture: Path | None = None,
    ) -> None:
        ports = free_ports(("smtp", "control"))
        self.port, self._control = ports["smtp"], ports["control"]
        self.daemon = Daemon("sink", home)
        self._home = home
        options: dict[str, object] = {
            "port": self.port,
            "control": self._control,
            "address": FIRST_ADDRESS,
            "count": len(DOMAINS),
            "delay": delay_ms,
        }
        if tls:
            certificate = Certificate.below(home)
            certificate.make_if_missing()
            options |= {"certificate": certificate.certificate, "key": certificate.key}
        if capture:
            options["capture"] = capture
        self._command = [str(program), *(f"--{name}={value}" for name, value in options.items())]

    def __enter__(self) -> "Sink":
        self.daemon.start(self._command, {"PATH": search_path()}, self._home)
        self.daemon.wait_until(self.counts, timeout=10)
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.stop()

    @property
    def pid(self) -> int:
        """While it runs. Raises LocalError where it has ended."""
        pid = self.daemon.pid()
        if pid is None:
            raise LocalError(f"The sink has ended: {self.daemon.log_file}")
        return pid

    def counts(self) -> Counts:
        """As they are now. What was captured is on disk when this returns."""
        with socket.create_connection(("127.0.0.1", self._control), timeout=5) as control:
            return Counts(**json.loads(control.makefile().read()))
