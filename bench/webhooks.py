"""How many events a courier tells apps in a second, signed and each written down with its answer.

    .kiba/venv/bin/python -m bench.webhooks [--events N]

On services of its own, with a receiver in a process of its own that answers at once: all events to one
endpoint, then as many to eight endpoints. Events stand in MySQL when the clock starts.
"""

import multiprocessing
import os
import time
from datetime import UTC, datetime
from uuid import uuid4

import uvloop
from aiohttp import web
from rich.console import Console
from rich.table import Table

from bench.setting import chosen, own_stack
from infra.local.ports import free_ports
from infra.local.stack import Stack

POLL_SECONDS = 0.1
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def main(number: int) -> None:
    """Prints a table; leaves nothing running and nothing behind."""
    port = free_ports(["app"])["app"]
    receiver = multiprocessing.Process(target=receive, args=(port,), daemon=True)
    receiver.start()
    with own_stack("mariadb", "redis") as stack:
        table = Table("endpoints", "events", "events/s", "courier's CPU, µs an event")
        for endpoints in (1, 8):
            seconds, cpu = deliver(stack, endpoints, number, f"http://127.0.0.1:{port}/")
            cost = f"{cpu / number * 1e6:,.0f}"
            table.add_row(str(endpoints), f"{number:,}", f"{number / seconds:,.0f}", cost)
        Console().print(table)
    receiver.terminate()


def receive(port: int) -> None:
    """Answers 204 to all."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", take)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None, loop=uvloop.new_event_loop())


def deliver(stack: Stack, number_of_endpoints: int, number: int, url: str) -> tuple[float, float]:
    """Seconds till all is delivered, and the courier's CPU meanwhile."""
    from sidecars.callbacks import deliveries, endpoints, feed
    from sidecars.callbacks.events import Event, sample
    from sidecars.models import Team, database

    with database.connection_context():
        team = Team.create(name="Acme")
        made = [
            endpoints.create(team.id, url, ["email.delivered"], None, "")[0]
            for _ in range(number_of_endpoints)
        ]
        for nth, endpoint in enumerate(made):
            told = [
                Event(
                    uuid4(),
                    team.id,
                    "email.delivered",
                    uuid4(),
                    datetime.now(UTC),
                    "broadcast",
                    sample("email.delivered"),
                )
                for _ in range(number // number_of_endpoints + (nth < number % number_of_endpoints))
            ]
            to = feed.listeners([team.id])[team.id]
            feed.record(told, {team.id: [each for each in to if each.endpoint_id == endpoint.id]})
        stack.start_processes("courier")
        pid = stack.processes["courier"].daemon.pid()
        ready, spent = time.perf_counter(), cpu(pid)
        left_at_first = sum(deliveries.waiting([each.id for each in made]).values())
        while deliveries.waiting([each.id for each in made]):
            time.sleep(POLL_SECONDS)
        seconds, spent = time.perf_counter() - ready, cpu(pid) - spent
        stack.stop_processes("courier")
    part = left_at_first / number  # what was told before all of the courier's process stood
    return seconds / part, spent / part


def cpu(pid: int | None) -> float:
    """Seconds of it."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


if __name__ == "__main__":
    main(chosen(__doc__, "events", 20_000))
