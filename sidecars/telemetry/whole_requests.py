"""gunicorn's worker of threads, which gives a request to a thread when all of it is there.

As gunicorn has it, a thread waits for a client that sends a byte a second: as many such clients as threads,
and nobody is served. Here they hold a connection and what they have sent, within bounds; the process reads
from all of them at once. A body above MAX_WHOLE goes to a thread when so much of it is there: who may send
such is asked for a key before it is read.
"""

import io
import re
import selectors
import socket
import struct
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

ARRIVES_SECONDS = 20.0
LEAST_RATE = 10_000  # bytes a second, when it has taken longer
MAX_HEAD = 64 * 1024
MAX_WHOLE = 4 * 1024 * 1024 + MAX_HEAD
MAX_HELD = 128 * 1024 * 1024
MOST_ARRIVING = 1000
IN_A_THREAD_SECONDS = 30
READ_BYTES = 256 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_ASKS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Arrival:
    """What a client has sent of a request so far, since when."""

    data: bytearray
    since: float = field(default_factory=time.monotonic)
    head_end: int = 0
    chunk_at: int = 0
    answered: bool = False

    @property
    def is_too_large(self) -> bool:
        """Whether its head has no end within bounds."""
        return not self.head_end and len(self.data) > MAX_HEAD

    def is_whole(self) -> bool:
        """Whether all of it is there, or so much that a thread shall have it. What is malformed is whole."""
        if not self.head_end:
            end = self.data.find(b"\r\n\r\n", 0, MAX_HEAD)
            if end < 0:
                return False
            self.head_end = self.chunk_at = end + 4
        if len(self.data) >= MAX_WHOLE:
            return True
        head = self.data[: self.head_end]
        if _CHUNKED.search(head):
            return self._has_last_chunk()
        length = _LENGTH.search(head)
        return length is None or len(self.data) >= self.head_end + int(length[1])

    def _has_last_chunk(self) -> bool:
        """RFC 9112 section 7.1; goes on where it was."""
        while (line_end := self.data.find(b"\r\n", self.chunk_at, self.chunk_at + 1024)) >= 0:
            try:
                size = int(self.data[self.chunk_at : line_end].partition(b";")[0], 16)
            except ValueError:
                return True
            if size <= 0:
                return size < 0 or self.data.find(b"\r\n\r\n", line_end) >= 0
            after = line_end + 2 + size + 2
            if after > len(self.data):
                return False
            self.chunk_at = after
        return len(self.data) > self.chunk_at + 1024

    @property
    def asks(self) -> bool:
        """Whether the client waits to be told that it may send the body (RFC 9110 section 10.1.1)."""
        return not self.answered and _ASKS.search(self.data[: self.head_end]) is not None

    def is_overdue(self, now: float) -> bool:
        """Whether it has taken longer than its length allows."""
        return now - self.since > ARRIVES_SECONDS + len(self.data) / LEAST_RATE


class Received(SocketUnreader):  # type: ignore[misc]
    """What has come, for gunicorn's parser, whose own buffer is copied anew for each piece that is read."""

    _left = memoryview(b"")

    def receive(self, data: bytearray) -> None:
        """To be read before what the socket has."""
        self._left = memoryview(data)

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next piece, as the base has it."""
        if not self._left:
            return bytes(super().chunk(size_hint))
        size = max(self.mxchunk, size_hint or 0)
        piece, self._left = bytes(self._left[:size]), self._left[size:]
        return piece

    def give_back(self) -> None:
        """What belongs to a later request goes where gunicorn looks for it."""
        self.buf.seek(0, io.SEEK_END)
        self.buf.write(self._left)
        self._left = memoryview(b"")


class WholeRequests(ThreadWorker):  # type: ignore[misc]
    """See above. The base gives connections to `enqueue_req` when they are new, or have more to say."""

    def init_process(self) -> None:
        """Called by gunicorn in the worker."""
        self._arriving: dict[Any, Arrival] = {}
        self._held = 0
        self._looked = 0.0
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Begins to wait for a request."""
        if conn.parser is None:
            limit = struct.pack("ll", IN_A_THREAD_SECONDS, 0)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        conn.sock.setblocking(False)
        before = conn.parser.unreader.take_buffered() if conn.parser else b""
        self._arriving[conn] = Arrival(bytearray(before))
        self._held += len(before)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._read, conn))
        while len(self._arriving) > MOST_ARRIVING or self._held > MAX_HELD:
            # Who is well is through in no time: the oldest is the slowest.
            self._drop(next(iter(self._arriving)))
        if before and conn in self._arriving:
            self._look_at(conn)

    def _read(self, conn: Any, sock: socket.socket) -> None:
        try:
            data = sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self._drop(conn)
        self._arriving[conn].data += data
        self._held += len(data)
        self._look_at(conn)

    def _look_at(self, conn: Any) -> None:
        arrival = self._arriving[conn]
        if arrival.is_whole():
            self._hand_over(conn)
        elif arrival.is_too_large:
            self._say(conn, _TOO_LARGE)
            self._drop(conn)
        elif arrival.head_end and arrival.asks:
            arrival.answered = True
            self._say(conn, _CONTINUE)

    def _say(self, conn: Any, words: bytes) -> None:
        try:
            conn.sock.send(words)
        except OSError:
            self.log.debug("a client is gone")

    def _hand_over(self, conn: Any) -> None:
        data = self._forget(conn)
        conn.data_ready = True
        conn.init()
        if not isinstance(conn.parser.unreader, Received):
            conn.parser.unreader = Received(conn.sock)
        conn.parser.unreader.receive(data)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """In a thread."""
        try:
            return super().handle(conn)
        finally:
            conn.parser.unreader.give_back()

    def _forget(self, conn: Any) -> bytearray:
        arrival = self._arriving.pop(conn)
        self._held -= len(arrival.data)
        self.poller.unregister(conn.sock)
        return arrival.data

    def _drop(self, conn: Any) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Ends who takes too long, and at the end of the process who is silent. Called again and again."""
        now = time.monotonic()
        if now - self._looked < 1 and self.alive:
            return
        self._looked = now
        for conn, arrival in list(self._arriving.items()):
            if arrival.is_overdue(now) or not (self.alive or arrival.data):
                self._drop(conn)
