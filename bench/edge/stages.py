"""What each stage of a mail's way costs, in CPU microseconds: which one to look at next.

One unsigned broadcast goes its whole way, but one part after the other, so that what a server shared by
several stages uses can be told apart: the other processes are frozen (SIGSTOP) meanwhile.

1. Planning and handing over: the worker's code runs in this process, stage by stage (bench/handover.py); the
   edge accepts and delivers. What its main thread did is told by a CPU profile.
2. Reporting: the webhook receiver takes the edge's events.
3. Enriching and settling: the enricher, whose two stages are told apart by their costs in bench/events.py.
   ClickHouse ingests meanwhile.

Signing is what the edge used more in a signed run than in an unsigned one: a profile cannot tell it, as the
signing threads take the main thread's core while it hands them work.
"""

import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from bench.edge import profile
from bench.edge.kibamail import FIRST_MAILS, Kibamail
from bench.edge.measure import CLOCK_TICKS, Meter
from bench.edge.mode import MODES
from bench.edge.progress import wait_for
from bench.edge.run import Run
from bench.edge.sink import Sink
from bench.handover import STAGES as WORKER_STAGES
from bench.handover import Stages as WorkerStages
from infra.local.daemon import Daemon

MODE = MODES["unsigned"]
BACKLOG = re.compile(r"^kibamail_event_backlog_bytes(?:{[^}]*})? (\S+)$", re.MULTILINE)

# The stages of bench/handover.py, as this table names them.
WORKER = {
    "plan": ("plan",),
    "claim": ("claim", "load"),
    "compose": ("compose",),
    "submit": ("remember", "submit"),
    "write down": ("accept", "all else"),
}
# Files of the edge by what they are for; all others deliver.
ACCEPTING = (
    *("batch.js", "batch_format.js", "claims.js", "data_reader.js", "dot_stuffing.js", "intake.js"),
    *("mail_spool.js", "spool_file.js", "spooled_mail.js", "sync_folder.js", "group_commit.js", "journal.js"),
    *("listeners.js", "auth_team.js", "line.js"),
)
EDGE = {
    **dict.fromkeys(("node.js", "edge.js"), profile.START),
    **dict.fromkeys(ACCEPTING, "accept"),
    **dict.fromkeys(("event.js", "spool.js", "reporter.js"), "report"),
}
POOL_THREAD = "libuv-worker"
PROFILE_OPTIONS = "--cpu-prof --cpu-prof-dir={}"


@dataclass
class Stage:
    """`ours` is our processes' CPU, `servers` that of the servers: microseconds a mail."""

    name: str
    process: str
    ours: float = 0.0
    servers: dict[str, float] = field(default_factory=dict)


def measure(system: Kibamail, sink: Sink, mails: int) -> list[Stage]:
    """The stages in the order in which a mail passes them, but for signing."""
    folder = system.stack.home / "profile"
    with system.edge(MODE, sink, {"NODE_OPTIONS": PROFILE_OPTIONS.format(folder)}):
        system.sender.audience(mails)
        hand_over(system, FIRST_MAILS)
        with frozen(system, "fanout", "enricher"):
            with frozen(system, "webhook"):
                first = Part(system, sink)
                before = sink.counts()
                worker = hand_over(system, mails)
                wait_for(lambda: sink.counts().since(before).received, mails)
                first.end(mails)
            second = Part(system, sink)
            wait_for(lambda: -unreported_bytes(system), 0)
            second.end(mails)
        third = Part(system, sink)
        wait_for(lambda: system.settled(worker.broadcast_id), mails)
        wait_for(lambda: system.sender.delivered_rows(worker.broadcast_id), mails)
        third.end(mails)
    (written,) = folder.glob("*.cpuprofile")
    shares = profile.shares(profile.by_file(written), EDGE, rest="deliver")
    return [
        *worker.stages(mails, first),
        *edge_stages(shares, first, second),
        *event_stages(second, third),
    ]


class Part:
    """CPU of each process and server during a part of the way, in microseconds a mail."""

    def __init__(self, system: Kibamail, sink: Sink) -> None:
        self._meter = Meter(system.roots(sink))
        self._edge = system.stack.processes["smtp"].daemon
        self._pool_before = pool_ticks(self._edge)
        self.used: dict[str, float] = {}
        self.edge_pool = 0.0

    def end(self, mails: int) -> None:
        """Until now."""
        self.used = {name: 1000 * cpu for name, cpu in self._meter.cpu_ms(mails).items()}
        self.edge_pool = (pool_ticks(self._edge) - self._pool_before) / CLOCK_TICKS / mails * 1e6


@dataclass(frozen=True)
class HandedOver:
    """What the worker's stages took, as bench/handover.py measures them."""

    broadcast_id: int
    took: WorkerStages

    def stages(self, mails: int, part: Part) -> list[Stage]:
        """Redis is used by the worker and by the edge's claims; it is put down to the hand-over."""
        made = [
            Stage(
                name,
                "fanout",
                sum(self.took.worker[part] for part in parts) / mails * 1e6,
                {"mariadb": sum(self.took.server[part] for part in parts) / mails * 1e6},
            )
            for name, parts in WORKER.items()
        ]
        submit = next(stage for stage in made if stage.name == "submit")
        submit.servers["redis"] = part.used["redis"]
        return made


def hand_over(system: Kibamail, mails: int) -> HandedOver:
    """Plans a broadcast and hands it over, in this process."""
    from sidecars.broadcasts.handover import send_next_slice
    from sidecars.broadcasts.plan import plan
    from sidecars.models import Broadcast, database

    mariadb = next(service.daemon for service in system.stack.services if service.name == "mariadb")
    broadcast_id, _ = system.sender.publish(mails)
    took = WorkerStages(mariadb)
    with database.connection_context():
        with took.timed("plan"):
            plan(broadcast_id)
        with took.watched(WORKER_STAGES), took.timed("all else"):
            while Broadcast.get_by_id(broadcast_id).state == "sending":
                send_next_slice(broadcast_id)
    return HandedOver(broadcast_id, took)


def edge_stages(shares: Mapping[str, float], first: Part, second: Part) -> list[Stage]:
    """The main thread by its profile; the pool writes to disk what was accepted."""
    pool = first.edge_pool + second.edge_pool
    main = first.used["smtp"] + second.used["smtp"] - pool
    return [
        Stage("accept", "smtp", main * shares.get("accept", 0) + pool),
        Stage("deliver", "smtp", main * shares.get("deliver", 0)),
        Stage(
            "report", "smtp, webhook", main * shares.get("report", 0) + second.used["webhook"], kafka(second)
        ),
    ]


def event_stages(second: Part, third: Part) -> list[Stage]:
    """The enricher's time is divided as its steps are among themselves."""
    from bench.events import steps_of_enriching

    steps = {name: cpu for name, (cpu, _) in steps_of_enriching().best.items()}
    settling = sum(cpu for name, cpu in steps.items() if name.startswith("settle")) / sum(steps.values())
    enricher = third.used["enricher"]
    return [
        Stage(
            "enrich", "enricher", enricher * (1 - settling), {"redis": third.used["redis"], **kafka(third)}
        ),
        Stage("ingest", "", 0.0, {"clickhouse": second.used["clickhouse"] + third.used["clickhouse"]}),
        Stage("settle", "enricher", enricher * settling, {"mariadb": third.used["mariadb"]}),
    ]


def signing(runs: Sequence[Run]) -> Stage | None:
    """From the largest signed and unsigned runs of one size, where there are such."""
    edge = {(run.mode, run.n): run.cpu_ms_per_mail["smtp"] for run in runs if "smtp" in run.cpu_ms_per_mail}
    sizes = [n for mode, n in edge if mode == "signed" and ("unsigned", n) in edge]
    if not sizes:
        return None
    return Stage("sign", "smtp", 1000 * (edge["signed", max(sizes)] - edge["unsigned", max(sizes)]))


def kafka(part: Part) -> dict[str, float]:
    """The broker's time in a part."""
    return {"kafka": part.used["kafka"]}


@contextmanager
def frozen(system: Kibamail, *names: str) -> Iterator[None]:
    """The processes do nothing in the block."""
    daemons = [system.stack.processes[name].daemon for name in names]
    for daemon in daemons:
        tell(daemon, signal.SIGSTOP)
    try:
        yield
    finally:
        for daemon in reversed(daemons):
            tell(daemon, signal.SIGCONT)


def tell(daemon: Daemon, what: signal.Signals) -> None:
    """The daemon and all that it started, which have a process group of their own."""
    pid = daemon.pid()
    if pid is not None:
        os.killpg(pid, what)


def pool_ticks(daemon: Daemon) -> int:
    """CPU of the threads on which Node signs, and reads and writes files; proc(5), /proc/PID/task."""
    ticks = 0
    for stat in Path(f"/proc/{daemon.pid()}/task").glob("*/stat"):
        name, _, fields = stat.read_text().partition("(")[2].rpartition(")")
        if name == POOL_THREAD:
            ticks += sum(map(int, fields.split()[11:13]))
    return ticks


def unreported_bytes(system: Kibamail) -> int:
    """Of events that wait at the edge for the webhook receiver."""
    metrics = requests.get(f"{system.stack.url('smtp_health')}/metrics", timeout=10).text
    found = BACKLOG.search(metrics)
    return int(float(found[1])) if found else 0
