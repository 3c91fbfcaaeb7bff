"""What a broadcast costs between publishing and the edge: CPU of a worker and of MariaDB, stage by stage.

    python -m bench.handover [--mails 20000]

On a MariaDB, a Redis and an edge of its own: a broadcast of 10 KB HTML mails with three merge fields, one
tracked link and a pixel is planned, and handed over slice by slice in this process. A worker's microseconds
are this process's CPU time, so a busy machine does not change them much; MariaDB's are counted by the kernel
in hundredths of a second, so its small figures need many mails.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from bench.setting import chosen, own_stack
from infra.local.daemon import Daemon

# In the order in which a slice passes them: where in the code each one is a call.
STAGES = {
    "claim": "sidecars.broadcasts.handover.claim_slice",
    "load": "sidecars.broadcasts.handover.load_planned",
    "compose": "sidecars.broadcasts.handover._compose_all",
    "remember": "sidecars.edge.messages.remember",
    "submit": "sidecars.edge.submit.EdgeConnectionPool.submit",
    "accept": "sidecars.broadcasts.handover._write_down",
}
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PARAGRAPH = (
    "<p>The kettle is on, and a letter from the hills has come in with the first of this year's leaves.</p>"
)
HTML = (
    "<p>Hello {{ contact.first_name | default: 'Friend' }}, how is {{ contact.properties.city }}?</p>"
    '<p><a href="https://shop.example/spring">Spring</a> for {{ contact.properties.plan }} members.</p>'
) + PARAGRAPH * 90
TEXT = "Hello {{ contact.first_name | default: 'Friend' }}, how is {{ contact.properties.city }}?\n"


def main() -> None:
    """Prints a table; leaves nothing running and nothing behind."""
    mails = chosen(__doc__, "mails", 20_000)
    with own_stack("mariadb", "redis") as stack:
        stack.start_processes("simulator", "smtp")
        services = {service.name: service.daemon for service in stack.services}
        Console().print(measure(mails, services["mariadb"]))


def measure(mails: int, mariadb: Daemon) -> Table:
    """Plans and hands over one broadcast, after a small one that connects and compiles everything."""
    from sidecars.broadcasts.handover import send_next_slice
    from sidecars.broadcasts.ledger import counts
    from sidecars.broadcasts.plan import plan
    from sidecars.broadcasts.publish import publish
    from sidecars.models import Broadcast, database

    stages = Stages(mariadb)
    with database.connection_context():
        for number in (500, mails):
            stages.forget()
            broadcast = publish(draft(number).id)
            with stages.timed("plan"):
                plan(broadcast.id)
            with stages.watched(STAGES), stages.timed("all else"):
                while Broadcast.get_by_id(broadcast.id).state == "sending":
                    send_next_slice(broadcast.id)
        found = counts(broadcast.id)
    if found["planned"] or found["rejected"]:
        raise SystemExit(f"not everything was handed over: {found}")
    return stages.table(mails)


class Stages:
    """CPU seconds of this process and of MariaDB, by stage; a stage within another counts as its own."""

    def __init__(self, mariadb: Daemon) -> None:
        self._mariadb = f"/proc/{mariadb.pid()}/stat"
        self.forget()

    def forget(self) -> None:
        """Starts anew."""
        self.worker: dict[str, float] = defaultdict(float)
        self.server: dict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._at = (0.0, 0.0)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """The block is of the stage."""
        self._account()
        self._running.append(stage)
        try:
            yield
        finally:
            self._account()
            self._running.pop()

    @contextmanager
    def watched(self, calls: dict[str, str]) -> Iterator[None]:
        """In the block each of the calls is of its stage."""
        for stage, path in calls.items():
            patcher = patch(path, self._watch(stage, _found(path)))
            patcher.start()
        try:
            yield
        finally:
            patch.stopall()

    def table(self, mails: int) -> Table:
        """Microseconds a mail."""
        table = Table("Stage", "Worker, µs/mail", "MariaDB, µs/mail", title=f"{mails:,} mails")
        for stage in ("plan", *STAGES, "all else"):
            table.add_row(stage, *(f"{took[stage] / mails * 1e6:.1f}" for took in (self.worker, self.server)))
        sums = (f"{sum(took.values()) / mails * 1e6:.1f}" for took in (self.worker, self.server))
        table.add_row("all", *sums, style="bold")
        return table

    def _watch(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.timed(stage):
                return function(*args, **kwargs)

        return timed

    def _account(self) -> None:
        """Puts what was used since the last call down to the stage that was running."""
        worker, server = time.process_time(), self._server_seconds()
        if self._running:
            self.worker[self._running[-1]] += worker - self._at[0]
            self.server[self._running[-1]] += server - self._at[1]
        self._at = (time.process_time(), server)

    def _server_seconds(self) -> float:
        with open(self._mariadb, encoding="ascii") as stat:
            fields = (
                stat.read().rpartition(")")[2].split()
            )  # proc(5): utime and stime, from the third field on
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def _found(path: str) -> Callable[..., Any]:
    from pkgutil import resolve_name

    found: Callable[..., Any] = resolve_name(path)
    return found


def draft(people: int) -> Any:
    """A broadcast to so many people of a new team whose domain the edge knows."""
    from peewee import chunked

    from sidecars.edge import records
    from sidecars.models import Audience, Broadcast, Contact, Content, Variant, now
    from tests.sending import PROVIDER, make_team

    team = make_team()
    with records.made_whole():
        records.write_all()
    audience = Audience.create(team=team.row, name="Everyone")
    contacts = (
        {
            "audience": audience,
            "email": f"accept.person{number}@{PROVIDER}",
            "first_name": f"Person {number}",
            "last_name": "Reader",
            "properties": {"city": "Darjeeling", "plan": "gold"},
            "subscribed_at": now(),
        }
        for number in range(people)
    )
    for some in chunked(contacts, 2000):
        Contact.insert_many(some).execute()
    broadcast = Broadcast.create(team=team.row, audience=audience, sender=team.sender, name="Spring")
    content = Content.create(
        team=team.row, kind="html", subject="{{ contact.first_name }}, the kettle is on", body=HTML, text=TEXT
    )
    Variant.create(broadcast=broadcast, content=content)
    return broadcast


if __name__ == "__main__":
    main()
