"""A fast SMTP client: the mails that Postfix, stock Haraka and our submission listener are given.

    python -m bench.edge.source --port 2525 --mail mail.eml --mails 20000

A process of its own, so that its CPU is told apart. Kept connections; MAIL, RCPT and DATA in one write
(RFC 2920), the mail in another. A mail is a copy of the file with `{recipient}` and `{number}` filled in.
A mail that is answered 4xx is sent again. It prints what it did as JSON.
"""

import argparse
import json
import selectors
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.edge.world import SENDER, readers

REPLIES_TO_ENVELOPE = 3
PATIENCE_SECONDS = 60


@dataclass
class Session:
    """One open connection, and what it waits for."""

    socket: socket.socket
    unread: bytes = b""
    replies_due: int = 0
    envelope: bytes = b""
    mail: bytes = b""
    refused: bytes = b""


class Source:
    """Sends `mails` over `connections` sessions until all are taken, or `seconds` are over."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked = asked
        head, _, rest = Path(asked.mail).read_bytes().partition(b"{recipient}")
        between, _, tail = rest.partition(b"{number}")
        self._parts = (head, between, tail)
        self._left = self._letters()
        self._again: list[tuple[bytes, bytes]] = []
        self.taken = self.deferred = 0

    def run(self) -> dict[str, float]:
        """Returns what was taken, and how long it took."""
        sessions = [self._connect() for _ in range(self._asked.connections)]
        selector = selectors.DefaultSelector()
        started, cpu = time.time(), time.process_time()
        self._deadline = started + self._asked.seconds
        for session in sessions:
            if self._begin(session):
                selector.register(session.socket, selectors.EVENT_READ, session)
        while selector.get_map():
            ready = selector.select(PATIENCE_SECONDS)
            if not ready:
                raise SystemExit(f"no reply within {PATIENCE_SECONDS} s; {self.taken} mails were taken")
            for key, _ in ready:
                if not self._go_on(key.data):
                    selector.unregister(key.fileobj)
        return {
            "taken": self.taken,
            "deferred": self.deferred,
            "started_at": started,
            "seconds": time.time() - started,
            "cpu_seconds": time.process_time() - cpu,
        }

    def _letters(self) -> Iterator[tuple[bytes, bytes]]:
        """Envelope and text of each mail, as they go over the wire."""
        head, between, tail = self._parts
        for number, recipient in enumerate(readers(self._asked.mails)):
            if time.time() > self._deadline:
                return
            address = recipient.encode()
            envelope = b"MAIL FROM:<%b>\r\nRCPT TO:<%b>\r\nDATA\r\n" % (SENDER.encode(), address)
            yield envelope, b"%b%b%b%d%b" % (head, address, between, number, tail)

    def _connect(self) -> Session:
        client = smtplib.SMTP(self._asked.host, self._asked.port, local_hostname="source.example", timeout=30)
        client.ehlo()
        if self._asked.tls:
            client.starttls(context=ssl._create_unverified_context())  # noqa: S323 - the peer is on loopback
            client.ehlo()
        if self._asked.user:
            client.login(self._asked.user, self._asked.password)
        connection = client.sock
        assert connection is not None  # noqa: S101
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        return Session(connection)

    def _begin(self, session: Session) -> bool:
        """Sends the next envelope. False when there is none."""
        following = self._again.pop() if self._again else next(self._left, None)
        if following is None:
            return False
        session.envelope, session.mail = following
        session.replies_due, session.refused = REPLIES_TO_ENVELOPE, b""
        send(session.socket, session.envelope)
        return True

    def _go_on(self, session: Session) -> bool:
        """Reads what has come. False when the session has nothing more to do."""
        for reply in replies(session):
            session.replies_due -= 1
            if reply[:1] not in b"23":
                session.refused = session.refused or reply
            if session.replies_due:
                continue
            if reply.startswith(b"354"):
                session.replies_due = 1
                send(session.socket, session.mail)
            elif not self._end(session):
                return False
        return True

    def _end(self, session: Session) -> bool:
        if session.refused[:1] == b"4":
            self.deferred += 1
            self._again.append((session.envelope, session.mail))
        elif session.refused:
            raise SystemExit(f"refused: {session.refused.decode(errors='replace')}")
        else:
            self.taken += 1
        return self._begin(session)


def replies(session: Session) -> Iterator[bytes]:
    """The last line of each reply that has come whole."""
    with suppress(BlockingIOError, ssl.SSLWantReadError):
        while True:
            data = session.socket.recv(65536)
            if not data:
                raise SystemExit(f"the connection was closed: {session.unread!r}")
            *lines, session.unread = (session.unread + data).split(b"\r\n")
            yield from (line for line in lines if line[3:4] != b"-")


def send(to: socket.socket, data: bytes) -> None:
    """All of it."""
    view = memoryview(data)
    while view:
        try:
            view = view[to.send(view) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            with selectors.DefaultSelector() as selector:
                selector.register(to, selectors.EVENT_WRITE)
                selector.select(PATIENCE_SECONDS)


def main() -> None:
    """Prints one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mail", required=True)
    parser.add_argument("--mails", type=int, required=True)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3600, help="begin no mail after that time")
    parser.add_argument("--tls", action="store_true", help="STARTTLS")
    parser.add_argument("--user")
    parser.add_argument("--password")
    print(json.dumps(Source(parser.parse_args()).run()))


if __name__ == "__main__":
    main()
