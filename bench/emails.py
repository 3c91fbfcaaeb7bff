"""Transactional mail at a steady rate: POST /v1/emails from 50 connections, on a stack of its own.

    python -m bench.emails [--rate 500]

Each phase lasts SECONDS: GET /v1/me for comparison, then mails with a key each, then the same requests
again, keys and all. A request is sent when it is due, by whichever connection is free first; latency
counts from when it was due. In the end each mail must have been received once.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests
from rich.console import Console
from rich.table import Table

from bench.setting import chosen, own_stack

SECONDS = 15
CONNECTIONS = 50
PROCESSES = ("simulator", "smtp", "webhook", "enricher", "fanout", "web")
ARRIVE_SECONDS = 120
TEXT = "Your order is on its way. " * 40


@dataclass
class Phase:
    """Latencies in milliseconds, and how often each status was answered."""

    name: str
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def quantile(self, share: float) -> float:
        """Of the latencies."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))]


def main() -> None:
    """Prints a table; leaves nothing running and nothing behind."""
    rate = chosen(__doc__, "rate", 500)
    with own_stack() as stack:
        stack.start_processes(*PROCESSES)
        Console().print(measure(stack, rate))
        stack.stop_processes(*PROCESSES)


def measure(stack: Any, rate: int) -> Table:
    """Runs the phases, and counts what the simulator received."""
    key, sender = _team()
    port, number = stack.ports["web"], rate * SECONDS
    mails = [_post(key, sender, f"accept.{n}.{uuid4().hex[:8]}@outcome.example") for n in range(number)]
    phases = [
        asyncio.run(_run(name, port, rate, requests_))
        for name, requests_ in (
            ("GET /v1/me", [_get("/v1/me", key)] * number),
            ("POST /v1/emails", mails),
            ("the same again", mails),
        )
    ]
    received, waited = _received(stack, number)
    table = Table("Requests", "a second", "p50 ms", "p95 ms", "p50, of GET /v1/me's", "answers")
    for phase in phases:
        told = ", ".join(f"{status}: {n:,}" for status, n in sorted(phase.statuses.items()))
        ratio = phase.quantile(0.5) / phases[0].quantile(0.5)
        table.add_row(
            phase.name,
            f"{len(phase.latencies) / phase.seconds:.0f}",
            f"{phase.quantile(0.5):.1f}",
            f"{phase.quantile(0.95):.1f}",
            f"{ratio:.1f}",
            told,
        )
    twice = sum(times > 1 for times in received.values())
    table.caption = (
        f"{number:,} mails from {CONNECTIONS} connections; received: {len(received):,}, {twice} of them "
        f"twice, the last {waited:.0f} s after the last request"
    )
    return table


def _team() -> tuple[str, str]:
    # Only now, as settings are read when sidecars is imported.
    from sidecars.accounts import keys
    from sidecars.deliverability import domains
    from sidecars.edge import records
    from sidecars.models import SendingDomain, Team, database, now

    with database.connection_context():
        team = Team.create(name="Bench")
        domain = domains.create(team.id, f"{uuid4().hex[:8]}.bench.example")
        SendingDomain.update(verified_at=now()).where(SendingDomain.id == domain.id).execute()
        records.write_domain(domain.id)
        return keys.make(team.id, "bench").secret, f"Shop <shop@{domain.name}>"


def _get(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def _post(key: str, sender: str, to: str) -> bytes:
    body = json.dumps(
        {"from": sender, "to": to, "subject": "Your order", "text": TEXT, "html": f"<p>{TEXT}</p>"}
    ).encode()
    head = (
        f"POST /v1/emails HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {to}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _run(name: str, port: int, rate: int, messages: Sequence[bytes]) -> Phase:
    phase = Phase(name)
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    clients = [asyncio.create_task(_client(port, due, phase)) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for number, message in enumerate(messages):
        at = began + number / rate
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        due.put_nowait((at, message))
    await due.join()
    phase.seconds = time.perf_counter() - began
    for client in clients:
        client.cancel()
    return phase


async def _client(port: int, due: asyncio.Queue[tuple[float, bytes]], phase: Phase) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        at, message = await due.get()
        while True:
            try:
                status = await _ask(reader, writer, message)
                break
            except (ConnectionError, asyncio.IncompleteReadError):  # closed, as nothing was asked for long
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        phase.latencies.append((time.perf_counter() - at) * 1000)
        phase.statuses[status] += 1
        due.task_done()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> int:
    """The status of the answer."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    fields = head.lower().split(b"\r\n")
    length = next(int(each[15:]) for each in fields if each.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12])


def _received(stack: Any, number: int) -> tuple[Counter[str], float]:
    """How often each recipient's server took a mail, and how long it took till all had."""
    began = time.perf_counter()
    url = stack.url("simulator_http") + "/receipts.ndjson"
    while True:
        facts = map(json.loads, requests.get(url, timeout=60).text.splitlines())
        taken = Counter(fact["recipient"] for fact in facts if fact["kind"] == "accepted")
        waited = time.perf_counter() - began
        if len(taken) >= number or waited > ARRIVE_SECONDS:
            return taken, waited
        time.sleep(1)


if __name__ == "__main__":
    main()
