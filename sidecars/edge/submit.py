"""Handing mails to the edge: a batch a transaction, over connections that stay open.

Every outcome is an answer, never an exception: a lost connection is `busy`, since the edge knows each mail by
its claim and takes it once, however often it is submitted.
"""

import contextlib
import logging
import re
import select
import smtplib
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple, cast
from uuid import uuid4

from sidecars.edge.batch import Batch, Outgoing, batches, document
from sidecars.settings import settings
from sidecars.telemetry import EDGE_RESULTS, waiting_for

log = logging.getLogger(__name__)

USER = "internal"
TIMEOUT_SECONDS = 30
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
MAX_TEXT = 1000
# The dialogue around a document, to be taken or only to be signed; any domain would do.
_BATCH, _TRIAL = "batch", "sign"
_SIGNATURE_LINE = re.compile(r"0 (?!refused )(.*)")
_HEADER = b"Content-Type: application/vnd.kibamail.batch; version=1\r\n\r\n"
# A run of mails with the same result (docs/batch-format.md, "The answer").
_RUN = re.compile(
    r"(?P<first>\d+)-(?P<last>\d+) "
    r"(?:(?P<what>queued|duplicate) (?P<edge>\S+)|refused (?P<code>[45]\d\d) (?P<text>.*))"
)
_TOO_LARGE = 552


class Status(StrEnum):
    """What became of a mail at the edge."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # an earlier submission of the same claim was accepted
    BUSY = "busy"  # not now, or not known: submit again
    REJECTED = "rejected"  # for good


class Result(NamedTuple):
    """The edge's answer to one mail; `code` is 0 and `edge` empty where it could not answer."""

    status: Status
    code: int
    text: str
    edge: str = ""


class NotSigned(Exception):
    """The edge does not sign this mail, or not now; the text is its answer."""


class EdgeConnectionPool:
    """Connections to one edge, as many as threads submit at once. Safe to use from several threads."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self._address = (host, port)
        self._password = password
        self._open: set[smtplib.SMTP] = set()
        self._idle: list[smtplib.SMTP] = []
        self._lock = threading.Lock()
        self._failures = 0
        self._dial_after = 0.0

    def submit(self, mails: Sequence[Outgoing]) -> list[Result]:
        """One result a mail, in the same order. The mails must be of one origin."""
        results: list[Result] = []
        for batch in batches(mails, settings.kiba_max_batch_bytes):
            results += self._submit(batch)
        for status, number in Counter(result.status for result in results).items():
            EDGE_RESULTS.labels(status).inc(number)
        return results

    def sign(self, mail: Outgoing) -> bytes:
        """The DKIM-Signature fields that the edge would put in front of the mail; it takes nothing.

        Empty where another host signs. Raises NotSigned.
        """
        try:
            with self._connection() as connection:
                code, text = _transaction(connection, document(uuid4(), [mail]), _TRIAL)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotSigned(f"no answer from the edge: {error}") from error
        lines = text.splitlines()
        if code >= 300 or lines[0].startswith("0 refused"):
            raise NotSigned(text[:MAX_TEXT])
        fields = [found[1] for line in lines if (found := _SIGNATURE_LINE.fullmatch(line))]
        return "".join(f"{field}\r\n" for field in fields).encode("ascii")

    def close(self) -> None:
        """Ends every connection and opens no other; mails that are being submitted become `busy`."""
        with self._lock:
            self._dial_after = float("inf")
            sockets = [connection.sock for connection in self._open if connection.sock is not None]
        for each in sockets:
            # The plain socket's own: a thread that reads from it sees its end, and closes it.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _submit(self, batch: Batch) -> list[Result]:
        with waiting_for("edge", lambda _: True) as wait:
            results = self._answers(batch)
            if all(result.status is Status.BUSY for result in results):
                wait.in_vain()
        return results

    def _answers(self, batch: Batch) -> list[Result]:
        try:
            with self._connection() as connection:
                return _answer(*_transaction(connection, batch.document), batch.size)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return [Result(Status.BUSY, 0, f"no answer from the edge: {error}"[:MAX_TEXT])] * batch.size

    @contextlib.contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """An idle connection or a new one; it stays open unless the block raises or the edge says 421."""
        connection = self._take_idle() or self._dial()
        try:
            yield connection
        except BaseException:
            self._drop(connection)
            raise
        if connection.sock is None:
            self._drop(connection)
        else:
            with self._lock:
                self._idle.append(connection)

    def _take_idle(self) -> smtplib.SMTP | None:
        """A connection that the edge has not closed or said goodbye on meanwhile."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if _is_quiet(connection):
                return connection
            self._drop(connection)

    def _drop(self, connection: smtplib.SMTP) -> None:
        connection.close()
        with self._lock:
            self._open.discard(connection)

    def _dial(self) -> smtplib.SMTP:
        """Connects; while the pause after a failure lasts, raises at once instead of waiting."""
        with self._lock:
            wait = self._dial_after - time.monotonic()
        if wait > 0:
            raise ConnectionError(f"the edge did not answer; next try in {wait:.1f} s")
        try:
            connection = _open(self._address, self._password)
        except (smtplib.SMTPException, OSError) as error:
            self._note_failure(error)
            raise ConnectionError(str(error)) from error
        with self._lock:
            self._failures = 0
            self._open.add(connection)
        return connection

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            pause = min(FIRST_PAUSE_SECONDS * 2**self._failures, LONGEST_PAUSE_SECONDS)
            self._failures = min(self._failures + 1, 10)
            self._dial_after = max(self._dial_after, time.monotonic() + pause)
        host, port = self._address
        log.warning("edge unreachable", extra={"edge": f"{host}:{port}", "error": str(error)})


@cache
def pool() -> EdgeConnectionPool:
    """This process's connections to the edge of the settings; dialled at first use."""
    return EdgeConnectionPool(
        settings.edge_host, settings.edge_port, settings.internal_secret.get_secret_value()
    )


def _open(address: tuple[str, int], password: str) -> smtplib.SMTP:
    connection = smtplib.SMTP(*address, local_hostname=socket.gethostname(), timeout=TIMEOUT_SECONDS)
    try:
        # Else the end of a document waits until the edge has acknowledged what came before it.
        cast(socket.socket, connection.sock).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.starttls(context=_tls())
        connection.ehlo()
        connection.user, connection.password = USER, password
        connection.auth("PLAIN", connection.auth_plain)
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.edge_ca or None)
    if not settings.edge_ca:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_quiet(connection: smtplib.SMTP) -> bool:
    """Between two transactions a server says nothing: what can be read is a 421 or the end."""
    if connection.sock is None:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _transaction(connection: smtplib.SMTP, batch: bytes, recipient: str = _BATCH) -> tuple[int, str]:
    """The edge's last reply: its code, and its lines joined by LF."""
    code, reply = 0, b""
    for command in ("MAIL FROM:<>", f"RCPT TO:<{recipient}@edge.invalid>", "DATA"):
        code, reply = connection.docmd(command)
        if code >= 400:
            break
    else:
        # smtplib's own `data` would look at every line twice; a document's end in CRLF already.
        connection.send(_HEADER + batch.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, reply = connection.getreply()
    if code == 421:
        connection.close()
    elif code >= 400:
        connection.rset()
    return code, reply.decode("utf-8", "replace")


def _answer(code: int, text: str, size: int) -> list[Result]:
    """One result for each of the batch's `size` mails."""
    if code >= 300:
        return [_not_taken(code, text, size)] * size
    results = [Result(Status.BUSY, code, "the edge's answer leaves this mail out")] * size
    for line in text.splitlines():
        if run := _RUN.match(line):
            first, last = int(run["first"]), min(int(run["last"]), size - 1)
            results[first : last + 1] = [_result(run, code)] * (last + 1 - first)
    return results


def _result(run: re.Match[str], code: int) -> Result:
    if run["what"]:
        status = Status.ACCEPTED if run["what"] == "queued" else Status.DUPLICATE
        return Result(status, code, f"{run['what']} {run['edge']}", run["edge"])
    refusal = int(run["code"])
    status = Status.REJECTED if refusal >= 500 else Status.BUSY
    return Result(status, refusal, run["text"][:MAX_TEXT])


def _not_taken(code: int, text: str, size: int) -> Result:
    """The edge took no part of the batch.

    That a document cannot be a batch, or comes from the wrong team, is no recipient's fault: it stays `busy`
    until someone has seen to it. A single mail that is too large is.
    """
    if code >= 500:
        log.error("edge refused a batch", extra={"mails": size, "reply": f"{code} {text}"[:MAX_TEXT]})
    status = Status.REJECTED if code == _TOO_LARGE and size == 1 else Status.BUSY
    return Result(status, code, text[:MAX_TEXT])
