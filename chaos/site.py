"""A running Kibamail of its own, with a team, its domain and many people to write to."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from chaos.clocks import Clocks
from chaos.disks import SmallDisk, small_disk
from infra.local.daemon import Daemon
from infra.local.processes import PORTS
from infra.local.stack import Stack

# What becomes of a reader's mail: one in fifty is put off at first, one in fifty does not exist.
EVERY = 50
PROVIDER = "outcome.example"
CHUNK = 1000
LOOK_SECONDS = 0.2
# Where the disk of each is mounted, its megabytes, and its kilobytes a recipient: enough for all that is ever
# on it. An edge whose receiver is away has a file and some events for each mail.
DISKS = {"smtp": ("edge", 64, 12), "kafka": ("kafka/data", 256, 0)}
# However many readers there are, all parts are at work when strikes come: a lane takes all of their mail in
# ten seconds, and an edge holds a quarter of it, so that workers are not done at once.
LEAST_A_MINUTE, BROADCASTS_A_MINUTE = 6000, 6
LEAST_SPOOLED, SHARE_SPOOLED = 1000, 4
# Shorter than the usual SIGSTOP, so that a frozen worker wakes up to find that others have its slices.
LEASE_SECONDS = 20


class Site:
    """All services and processes, the simulator among them, and an audience of `recipients`."""

    def __init__(
        self,
        stack: Stack,
        recipients: int,
        clocks: Clocks,
        disks: Mapping[str, SmallDisk],
    ) -> None:
        self.stack = stack
        self.recipients = recipients
        self.clocks = clocks
        self.disks = disks
        self.simulator = stack.url("simulator_http")
        self.broker = f"127.0.0.1:{stack.ports['kafka']}"
        self._services = {service.name: service for service in stack.services}
        from sidecars.models import database

        with database.connection_context():
            self._sender, self._audience = _settle_in(recipients)

    def publish(self) -> int:
        """A new broadcast to everybody; its id."""
        from sidecars.broadcasts.publish import publish
        from sidecars.models import Broadcast, Content, Variant, database

        with database.connection_context():
            broadcast = Broadcast.create(
                team=self._sender.team_id, audience=self._audience, sender=self._sender, name="Under fire"
            )
            content = Content.create(
                team=self._sender.team_id,
                kind="html",
                subject="Hello {{ contact.first_name }}",
                body='<p>Hello</p><p><a href="https://shop.example/">Shop</a></p>',
            )
            Variant.create(broadcast=broadcast, content=content, weight=100)
            publish(broadcast.id)
            return int(broadcast.id)

    def contacts(self) -> set[int]:
        """Ids of everybody in the audience."""
        from sidecars.models import Contact, database

        with database.connection_context():
            return {each.id for each in Contact.select(Contact.id).where(Contact.audience == self._audience)}

    def progress(self) -> dict[str, Any]:
        """The simulator's word: `counts` of what it ever took or refused, open `connections`."""
        answer = requests.get(f"{self.simulator}/progress", timeout=10)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def daemon(self, name: str) -> Daemon:
        """Of a process or a service."""
        service = self._services.get(name)
        return service.daemon if service else self.stack.processes[name].daemon

    def restart(self, name: str, env: Mapping[str, str] | None = None) -> None:
        """A process: drained, and started with `env` above its usual environment. Raises LocalError."""
        process = self.stack.processes[name]
        process.stop()
        process.launch({**self.stack.env(), **(env or {})})
        process.wait_healthy()

    def wait_until_all_is_read(self) -> None:
        """Returns when nothing waits in Kafka."""
        from sidecars import names, streams

        backlog = streams.Backlog(names.READERS)
        while backlog.by_topic().total():
            time.sleep(LOOK_SECONDS)

    def start(self, name: str) -> None:
        """Unless it runs; returns when it is well. Raises LocalError."""
        if name in self._services:
            self._services[name].start()
        else:
            self.stack.start_processes(name)


@contextmanager
def running_site(
    recipients: int, folder: Path | None = None, jumping_clocks: bool = False, small_disks: bool = False
) -> Iterator[Site]:
    """Starts everything in a temporary folder (below `folder`), and leaves nothing behind.

    Raises LocalError where the machine has no means for jumping clocks or small disks.
    """
    with ExitStack() as kept:
        home = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="kiba-chaos-", dir=folder)))
        stack = Stack.ephemeral(home)
        own = {
            "KIBA_MAX_SPOOLED_MAILS": str(max(LEAST_SPOOLED, recipients // SHARE_SPOOLED)),
            "LEASE_SECONDS": str(LEASE_SECONDS),
        }
        os.environ.update(stack.own_env() | own)  # noqa: TID251 (set for settings.py, which reads it)
        clocks = Clocks(home)
        if jumping_clocks:
            kept.enter_context(clocks.preloaded())
        disks = {}
        if small_disks:
            for name, (path, megabytes, kilobytes_each) in DISKS.items():
                size = megabytes + recipients * kilobytes_each // 1024
                disks[name] = kept.enter_context(small_disk(home / path, size))
        kept.callback(stack.kill)
        stack.start_services()
        stack.prepare()
        stack.start_processes(*PORTS)
        yield Site(stack, recipients, clocks, disks)


def _settle_in(recipients: int) -> tuple[Any, Any]:
    from sidecars.deliverability import domains, lane_policies
    from sidecars.edge import records
    from sidecars.models import Audience, Contact, SenderIdentity, SendingDomain, Team, now

    team = Team.create(name="Chaos")
    domain = domains.create(team.id, f"chaos-{uuid4().hex[:8]}.example")
    SendingDomain.update(verified_at=now()).where(SendingDomain.id == domain.id).execute()
    records.write_domain(domain.id)
    per_minute = max(LEAST_A_MINUTE, recipients * BROADCASTS_A_MINUTE)
    lane_policies.put("chaos", PROVIDER, lane_policies.Limits(per_minute=per_minute))
    sender = SenderIdentity.create(team=team, domain=domain, name="Chaos", address=f"news@{domain.name}")
    audience = Audience.create(team=team, name="Everybody")
    for start in range(0, recipients, CHUNK):
        people = range(start, min(start + CHUNK, recipients))
        Contact.insert_many(
            [
                {
                    "audience": audience,
                    "email": _address(i),
                    "first_name": f"Reader {i}",
                    "subscribed_at": now(),
                }
                for i in people
            ]
        ).execute()
    return sender, audience


def _address(i: int) -> str:
    outcome = {0: "greylist", 1: "unknown_user"}.get(i % EVERY, "accept")
    return f"{outcome}.reader{i}@{PROVIDER}"
