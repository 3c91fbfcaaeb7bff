"""What an event costs from the edge's POST to its row in ClickHouse: events a second, CPU by process.

    python -m bench.events [--events 100000] [--rate 8000]

On services of its own: a broadcast's deliveries are posted as an edge would, 2,000 a batch, to the real
webhook process; the real enricher settles the ledger; the clock stops when ClickHouse has every row. They
come at the rate that is given, or as fast as they are taken. A second table tells the enricher's steps
apart, in this process. On a busy machine only the ratios mean something.
"""

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import requests
from rich.console import Console
from rich.table import Table

from bench.setting import own_stack
from infra.local.daemon import Daemon
from infra.local.stack import Stack

BATCH = 2000
WARM_UP = 20_000
ROUNDS = 20
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
CONVERSATION = [{"step": step, "ms": 3, "reply": "250 2.0.0 Ok"} for step in ("mail", "rcpt", "data", "dot")]

Events = list[dict[str, Any]]
T = TypeVar("T")


def main() -> None:
    """Prints two tables; leaves nothing running and nothing behind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=0, help="events a second; 0: as fast as they are taken")
    wanted = parser.parse_args()
    with own_stack() as stack:
        stack.start_processes("webhook", "enricher")
        Console().print(whole_way(stack, wanted.events, wanted.rate))
        stack.stop_processes("enricher")
        Console().print(steps_of_enriching().table())


def whole_way(stack: Stack, number: int, rate: int) -> Table:
    """CPU of every process and server between the first POST and the last row."""
    from sidecars.analytics.client import client

    team_id, broadcast_id, events = accepted_mails(WARM_UP + number)
    batches = [signed(events[start : start + BATCH]) for start in range(0, len(events), BATCH)]
    warm_up, batches = batches[: WARM_UP // BATCH], batches[WARM_UP // BATCH :]

    def arrived() -> int:
        query = "SELECT count() FROM smtp_messages WHERE team_id = {t:UInt32} AND broadcast_id = {b:UInt32}"
        rows: int = client().execute(query, {"t": team_id, "b": broadcast_id})[0][0]
        return rows

    for batch in warm_up:  # connected, compiled, assigned
        post(batch)
    wait_until(lambda: arrived() >= WARM_UP)

    daemons = {service.name: service.daemon for service in stack.services if service.name != "s3"}
    daemons |= {name: stack.processes[name].daemon for name in ("webhook", "enricher")}
    before = {name: cpu_seconds(daemon) for name, daemon in daemons.items()}
    began = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(post, paced(batches, rate)))
    posted = time.perf_counter() - began
    wait_until(lambda: arrived() >= WARM_UP + number)
    seconds = time.perf_counter() - began
    costs = {name: (cpu_seconds(daemon) - before[name]) / number * 1e6 for name, daemon in daemons.items()}

    table = Table(
        "Process",
        "CPU µs/event",
        "Share",
        "Peak MB",
        title=f"{number:,} events of {len(batches[0][0]) / BATCH:.0f} bytes",
    )
    for name, cost in sorted(costs.items(), key=lambda item: -item[1]):
        share, peak = f"{cost / sum(costs.values()):.0%}", f"{peak_memory(daemons[name]) / 1e6:.0f}"
        table.add_row(name, f"{cost:.1f}", share, peak)
    table.add_row("all", f"{sum(costs.values()):.1f}", "100%", "", style="bold")
    taken, shown = number / posted, number / seconds
    table.caption = f"{taken:,.0f} events/s taken, {shown:,.0f}/s to the last row ({seconds:.1f} s)"
    return table


def steps_of_enriching() -> "Steps":
    """The steps of one batch, each the best of several rounds."""
    from sidecars import names, streams
    from sidecars.broadcasts.settle import settle
    from sidecars.edge.messages import resolve
    from sidecars.enrichers import statuses
    from sidecars.models import database

    producer = streams.producer()
    steps = Steps()
    with database.connection_context():
        for _ in range(ROUNDS):
            lines = streams.ndjson(accepted_mails(BATCH)[2]).splitlines()
            with steps.timed("parse"):
                told = [statuses.read(line) for line in lines]
            with steps.timed("resolve (Redis)"):
                known = resolve(status.message_id for status in told if status.message_id)
            with steps.timed("process"):
                outcome = statuses.process(lines, told, known, {}, "2026-01-01T00:00:00.000Z")
            with steps.timed("join"):
                record = streams.ndjson(outcome.rows[names.TOPIC_CH_MESSAGES])
            with steps.timed("produce (Kafka)"):
                producer.send(names.TOPIC_CH_MESSAGES, record).get(timeout=10)
            with steps.timed("settle (MySQL)"):
                settle(outcome.settlements)
    producer.close()
    return steps


class Steps:
    """CPU of this process and time by the clock, the best of each step."""

    def __init__(self) -> None:
        self.best: dict[str, tuple[float, float]] = {}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Times the block for BATCH events."""
        began, cpu = time.perf_counter(), time.process_time()
        yield
        taken = (time.process_time() - cpu, time.perf_counter() - began)
        self.best[step] = min(self.best.get(step, taken), taken)

    def table(self) -> Table:
        """One row a step."""
        all_cpu = sum(cpu for cpu, _ in self.best.values())
        table = Table(
            "Step of the enricher", "CPU µs/event", "Share", "By the clock", title=f"Batches of {BATCH}"
        )
        for step, (cpu, clock) in self.best.items():
            table.add_row(step, per_event(cpu, BATCH), f"{cpu / all_cpu:.0%}", per_event(clock, BATCH))
        return table


def per_event(seconds: float, number: int) -> str:
    """Microseconds."""
    return f"{seconds / number * 1e6:.1f}"


def accepted_mails(number: int) -> tuple[int, int, Events]:
    """A broadcast whose mails an edge has accepted: its team, its id, and the events of their deliveries."""
    from peewee import chunked

    from sidecars.broadcasts.states import SendState
    from sidecars.edge.messages import Attribution, remember
    from sidecars.models import Send, database

    broadcast_id = uuid4().int % 1_000_000_000
    message_ids = [uuid4() for _ in range(number)]
    with database.connection_context(), database.atomic():
        for some in chunked(enumerate(message_ids, start=1), 5000):
            Send.insert_many(
                {
                    "broadcast_id": broadcast_id,
                    "contact_id": contact_id,
                    "team_id": 1,
                    "message_id": message_id,
                    "state": SendState.ACCEPTED,
                }
                for contact_id, message_id in some
            ).execute()
    remember(
        (id_, Attribution(1, broadcast_id, contact_id, 0)) for contact_id, id_ in enumerate(message_ids, 1)
    )
    return 1, broadcast_id, [delivered(message_id) for message_id in message_ids]


def delivered(message_id: UUID) -> dict[str, Any]:
    """What the edge tells of a delivery over a connection that it kept."""
    return {
        "event_id": str(uuid4()),
        "type": "delivered",
        "message_id": str(message_id),
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "team_id": 1,
        "recipient": "a.reader@bigmail.example",
        "envelope_sender": f"b-{'a' * 40}@kb.news.example",
        "from_domain": "news.example",
        "subject": None,
        "stream": "broadcast",
        "edge": "edge-1",
        "queue_id": "1C2D3E4F-5A6B-7C8D-9E0F-112233445566.1",
        "attempt": 1,
        "code": 250,
        "enhanced": "2.0.0",
        "response": "Ok: queued as 4XyZ1234abc",
        "provider": "bigmail",
        "mx": "mx1.bigmail.example",
        "ip": "127.0.25.1",
        "port": 25,
        "source_ip": "127.0.0.1",
        "tls": True,
        "tls_version": "TLSv1.3",
        "connection_mail": 7,
        "delay_ms": 412,
        "next_attempt_in_s": None,
        "conversation": CONVERSATION,
        "raw": None,
    }


def signed(events: Events) -> tuple[bytes, dict[str, str]]:
    """A batch's body and headers."""
    from sidecars import names
    from sidecars.settings import settings
    from sidecars.streams import ndjson
    from sidecars.webhook.mta import sign

    body, timestamp = ndjson(events), int(time.time())
    signature = sign(body, timestamp, settings.webhook_secret.get_secret_value())
    return body, {names.HEADER_TIMESTAMP: str(timestamp), names.HEADER_SIGNATURE: signature}


def paced(batches: Sequence[T], rate: int) -> Iterator[T]:
    """The batches, each not before its time."""
    began = time.perf_counter()
    for number, batch in enumerate(batches):
        due = began + number * BATCH / rate if rate else began
        time.sleep(max(0.0, due - time.perf_counter()))
        yield batch


def post(batch: tuple[bytes, dict[str, str]]) -> None:
    """One batch to the webhook process."""
    from sidecars.settings import settings

    body, headers = batch
    url = f"http://127.0.0.1:{settings.webhook_port}/mta/events"
    requests.post(url, data=body, headers=headers, timeout=60).raise_for_status()


def cpu_seconds(daemon: Daemon) -> float:
    """User and system time so far of a daemon and all that it started; proc(5), /proc/PID/stat."""
    ticks = sum(int(fields[11]) + int(fields[12]) for _, fields in started_by(daemon))
    return ticks / CLOCK_TICKS


def peak_memory(daemon: Daemon) -> int:
    """Bytes that a daemon and all that it started had at most; proc(5), VmHWM of /proc/PID/status."""
    peaks = (
        re.search(r"VmHWM:\s+(\d+)", (folder / "status").read_text()) for folder, _ in started_by(daemon)
    )
    return sum(int(peak[1]) * 1024 for peak in peaks if peak)


def started_by(daemon: Daemon) -> Iterator[tuple[Path, list[str]]]:
    """The folder in /proc and the fields of `stat` behind the name, of each process of its session."""
    leader = daemon.pid()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == leader:
            yield stat.parent, fields


def wait_until(condition: Callable[[], bool], timeout: float = 300) -> None:
    """Returns when it is true; ends the program after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"not everything arrived within {timeout:.0f} s; see the logs of the processes")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
