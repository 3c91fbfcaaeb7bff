"""Runs of this system, the whole way: publish, every mail at the sink, ledger settled, rows in ClickHouse."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench.edge.measure import Meter
from bench.edge.mode import Mode
from bench.edge.progress import Watch, wait_for
from bench.edge.run import Run
from bench.edge.sender import Sender
from bench.edge.sink import Counts, Sink
from infra.local.stack import Stack
from sidecars.names import LANES_ALL

NAME = "kibamail"
PROCESSES = ("web", "fanout", "smtp", "webhook", "enricher")
SERVICES = ("mariadb", "redis", "kafka", "clickhouse")
HARNESS = ("sink", "simulator", "bench")
# The first mails connect every process to every other and compile the hot code; they are not counted.
FIRST_MAILS = 500
MAILS_A_MINUTE = 60_000_000


class Kibamail:
    """A stack with all processes; the edge is started anew for each mode."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        stack.start_processes("simulator", *PROCESSES)
        self.sender = Sender(stack)
        lift_limits()

    @contextmanager
    def edge(self, mode: Mode, sink: Sink, extra: Mapping[str, str] | None = None) -> Iterator[None]:
        """Runs the edge so that it delivers to the sink, and has sent its first mails."""
        smtp = self.stack.processes["smtp"]
        signing = "1" if mode.signed else "0"
        smtp.stop()
        smtp.launch(
            {**self.stack.env(), "KIBA_DELIVERY_PORT": str(sink.port), "KIBA_SIGN": signing, **(extra or {})}
        )
        try:
            smtp.wait_healthy()
            self.run(mode, FIRST_MAILS, sink)
            yield
        finally:
            smtp.stop()

    def run(self, mode: Mode, mails: int, sink: Sink, watch: Watch = lambda _: None) -> Run:
        """One broadcast."""
        self.sender.audience(mails)
        before = sink.counts()
        with Meter(self.roots(sink), together=PROCESSES) as meter:
            broadcast_id, started = self.sender.publish(mails)
            wait_for(lambda: sink.counts().since(before).received, mails, watch)
            settled_at = wait_for(lambda: self.settled(broadcast_id), mails)
            shown_at = wait_for(lambda: self.sender.delivered_rows(broadcast_id), mails)
            cpu, peaks = meter.cpu_ms(mails), meter.peak_mb()
        counts = sink.counts().since(before)
        return Run(
            system=NAME,
            mode=mode.name,
            n=mails,
            received=counts.received,
            unique=counts.unique,
            msg_per_s=per_second(counts.received, started, counts.last_at),
            cpu_ms_per_mail={name: cpu[name] for name in PROCESSES + SERVICES},
            peak_mb={name: peaks[name] for name in PROCESSES + SERVICES},
            harness_cpu_ms_per_mail={name: cpu[name] for name in HARNESS},
            more={
                "broadcast_id": broadcast_id,
                "settled": self.sender.counts(broadcast_id),
                "clickhouse_rows": self.sender.delivered_rows(broadcast_id),
                "settled_per_s": per_second(mails, started, settled_at),
                "clickhouse_per_s": per_second(mails, started, shown_at),
                "ours_peak_mb": meter.peak_together_mb(),
                **connections(counts),
            },
        )

    def settled(self, broadcast_id: int) -> int:
        """How many mails wait for nothing any more."""
        counts = self.sender.counts(broadcast_id)
        return sum(
            number for state, number in counts.items() if state not in ("planned", "claimed", "accepted")
        )

    def roots(self, sink: Sink) -> dict[str, int]:
        """First process of everything that is measured, by name."""
        services = {service.name: service.daemon.pid() for service in self.stack.services}
        processes = {name: process.daemon.pid() for name, process in self.stack.processes.items()}
        found = {**services, **processes, "sink": sink.pid, "bench": os.getpid()}
        return {name: pid for name, pid in found.items() if pid is not None}


def lift_limits() -> None:
    """By default a lane sends a provider 6,000 mails a minute; here the machine is to be the limit."""
    from sidecars.deliverability import lane_policies
    from sidecars.models import database

    with database.connection_context():
        lane_policies.put("bench", LANES_ALL, lane_policies.Limits(per_minute=MAILS_A_MINUTE))


def connections(counts: Counts) -> dict[str, int]:
    """What the sink saw of them."""
    return {
        "sink_connections": counts.connections,
        "tls_handshakes": counts.handshakes,
        "tls_resumed": counts.resumed,
    }


def per_second(mails: int, started: float, ended: float) -> float:
    """Rounded; 0 where nothing came."""
    return round(mails / (ended - started), 1) if ended > started else 0.0
