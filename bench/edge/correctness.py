"""Is every mail of a fast broadcast a good mail? What the sink captured, looked at mail by mail.

Each is parsed by the standard library and its signature verified by dkimpy with the key from DNS
(sidecars/commands/inspection.py); its envelope is held against its headers and the ledger.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console

from bench.edge import sink as sinks
from bench.edge.kibamail import Kibamail
from bench.edge.mode import MODES
from bench.edge.progress import shown
from bench.edge.world import first_name
from bench.setting import own_stack
from infra.local.install import install_all

MODE = MODES["signed"]
LOOKED_AT_ONCE = 200
SUBJECT = re.compile(rb"^Subject: (.+?),", re.MULTILINE)

Ledger = dict[str, str]  # message id → its contact's address


@dataclass(frozen=True)
class Captured:
    """Where in the file a mail is, and its envelope."""

    offset: int
    length: int
    sender: str
    recipient: str


@dataclass
class Findings:
    """`faults` by message id; `missing` are the ledger's mails of which none came."""

    looked_at: int = 0
    faults: dict[str, tuple[str, ...]] = field(default_factory=dict)
    twice: int = 0
    missing: int = 0

    @property
    def all_is_well(self) -> bool:
        """Each mail of the ledger came once, and is without a fault."""
        return not (self.faults or self.twice or self.missing)


def check(mails: int, every: int, console: Console) -> Findings:
    """Sends a signed broadcast to so many readers, and looks at every `every`th mail that the sink got."""
    install_all(console.print)
    with own_stack() as stack, ExitStack() as opened:
        program = sinks.build(stack.home, console.print)
        system = Kibamail(stack)
        file = stack.home / "captured"
        sink = opened.enter_context(sinks.Sink(program, stack.home, capture=file))
        opened.enter_context(system.edge(MODE, sink))
        with shown(console, "sent at full speed", mails) as watch:
            run = system.run(MODE, mails, sink, watch)
        console.print(f"{run.received:,} of {mails:,} mails received, {run.msg_per_s:,.0f}/s")
        return inspect_all(file, ledger(run.more["broadcast_id"]), every, console)


def ledger(broadcast_id: int) -> Ledger:
    """The broadcast's recipients."""
    from sidecars.models import Contact, Send, database

    with database.connection_context():
        rows: Any = (
            Send.select(Send.message_id, Contact.email)
            .join(Contact, on=(Send.contact_id == Contact.id))
            .where(Send.broadcast_id == broadcast_id)
            .tuples()
        )
        return {str(message_id): email for message_id, email in rows}


def inspect_all(file: Path, expected: Ledger, every: int, console: Console) -> Findings:
    """Looks at the mails of `expected` in a capture, on all cores."""
    findings, times = Findings(), Counter[str]()
    chunks = chunked(islice(captured(file), 0, None, every), LOOKED_AT_ONCE)
    with (
        ProcessPoolExecutor(initializer=prepare, initargs=(expected,)) as workers,
        shown(console, "looked at", len(expected) // every) as watch,
    ):
        for looked_at in workers.map(partial(look, file), chunks):
            for message_id, faults in looked_at:
                if message_id not in expected:
                    continue  # of the first mails, before the broadcast
                times[message_id] += 1
                if faults:
                    findings.faults[message_id] = faults
            findings.looked_at = times.total()
            watch(findings.looked_at)
    findings.twice = sum(1 for count in times.values() if count > 1)
    findings.missing = len(expected) - len(times) if every == 1 else 0
    return findings


def captured(file: Path) -> Iterator[Captured]:
    """All mails of a capture, in the order in which they came (sink.c)."""
    with file.open("rb") as lines:
        while line := lines.readline():
            sender, recipient, length = line.decode().split(" ")
            yield Captured(lines.tell(), int(length), sender, recipient)
            lines.seek(int(length), 1)


def chunked(mails: Iterator[Captured], size: int) -> Iterator[list[Captured]]:
    """In lists of so many."""
    while some := list(islice(mails, size)):
        yield some


_expected: Ledger = {}


def prepare(expected: Ledger) -> None:
    """Gives a worker the ledger."""
    _expected.update(expected)


def look(file: Path, mails: Sequence[Captured]) -> list[tuple[str, tuple[str, ...]]]:
    """Message id and faults of each."""
    from sidecars.commands.inspection import inspect

    found = []
    with file.open("rb") as content:
        for mail in mails:
            content.seek(mail.offset)
            raw = unstuffed(content.read(mail.length))
            inspected = inspect(raw)
            address = parseaddr(inspected.recipient)[1]
            wrong = wrongly_addressed(mail, inspected.message_id, address, raw)
            found.append((inspected.message_id, (*inspected.faults, *wrong)))
    return found


def wrongly_addressed(mail: Captured, message_id: str, to: str, raw: bytes) -> Iterator[str]:
    """Envelope, To, merge fields and return path must be of the contact that the ledger has for the mail."""
    from sidecars.mail.tokens import open_token
    from sidecars.names import VERP_PREFIX
    from sidecars.settings import settings

    contact = _expected.get(message_id, to)
    if not mail.recipient == to == contact:
        yield f"RCPT {mail.recipient}, To {to}, ledger {contact}"
    subject = SUBJECT.search(raw)
    if subject is None or subject[1].decode() != first_name(contact):
        yield f"the subject is another's: {subject and subject[1]!r}"
    token = mail.sender.partition("@")[0].removeprefix(VERP_PREFIX)
    if open_token(token, settings.token_secret.get_secret_value()) != UUID(message_id):
        yield f"the envelope sender {mail.sender} is another's"


def unstuffed(content: bytes) -> bytes:
    """As it was before DATA doubled the dots that begin a line (RFC 5321, section 4.5.2)."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]
