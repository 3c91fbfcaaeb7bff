"""A run of a mail server alone: our source submits to it, it delivers to the sink."""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol

from bench.edge.letter import on_the_wire
from bench.edge.measure import Meter
from bench.edge.mode import Mode
from bench.edge.progress import LOOK_SECONDS, Watch, wait_for
from bench.edge.run import Run
from bench.edge.sink import Sink
from infra.local.config import REPOSITORY
from infra.local.errors import LocalError

CONNECTIONS = 20


class Relay(Protocol):
    """A mail server that takes the source's mail and delivers it to the sink."""

    port: int

    def __enter__(self) -> "Relay": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def roots(self) -> dict[str, int]:
        """First process of each part, by name."""
        ...


class Source:
    """The source's process, which may be given a password: then it asks for STARTTLS first."""

    def __init__(
        self, home: Path, port: int, mails: int, seconds: float, login: tuple[str, str] | None = None
    ):
        letter = home / "letter.eml"
        letter.write_bytes(on_the_wire())
        command = [sys.executable, "-m", "bench.edge.source", "--port", str(port), "--mail", str(letter)]
        command += ["--mails", str(mails), "--seconds", str(seconds), "--connections", str(CONNECTIONS)]
        if login:
            command += ["--tls", "--user", login[0], "--password", login[1]]
        self._command = command

    def __enter__(self) -> "Source":
        self._process = subprocess.Popen(
            self._command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def report(self) -> dict[str, float] | None:
        """What it did, when it is done. Raises LocalError where it failed."""
        if self._process.poll() is None:
            return None
        said, error = self._process.communicate()
        if self._process.returncode:
            raise LocalError(f"The source stopped: {error.strip().splitlines()[-1]}")
        report: dict[str, float] = json.loads(said)
        return report


def run_relay(name: str, relay: Relay, sink: Sink, mode: Mode, source: Source, watch: Watch) -> Run:
    """Starts the source; waits until it has sent all, and the sink has all that was taken from it."""
    roots = {**relay.roots(), "sink": sink.pid}
    before = sink.counts()

    def received() -> int:
        return sink.counts().since(before).received

    with Meter(roots) as meter, source:
        report = None
        while report is None:
            time.sleep(LOOK_SECONDS)
            watch(received())
            report = source.report()
        taken = int(report["taken"])
        wait_for(received, taken, watch)
        counts = sink.counts().since(before)
        cpu, peaks = meter.cpu_ms(taken), meter.peak_mb()
    harness = {"sink": cpu.pop("sink"), "source": round(report["cpu_seconds"] / max(taken, 1) * 1000, 4)}
    peaks.pop("sink")
    return Run(
        system=name,
        mode=mode.name,
        n=taken,
        received=counts.received,
        unique=counts.unique,
        msg_per_s=round(counts.received / (counts.last_at - report["started_at"]), 1),
        cpu_ms_per_mail=cpu,
        peak_mb=peaks,
        harness_cpu_ms_per_mail=harness,
        more={
            "accepted_per_s": round(taken / report["seconds"], 1),
            "sink_connections": counts.connections,
            "tls_handshakes": counts.handshakes,
        },
    )
