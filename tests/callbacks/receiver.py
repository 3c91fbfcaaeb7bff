"""A team's app that is told: a server in a thread of its own, which behaves as the path says."""

import asyncio
import threading
from collections import Counter
from typing import NamedTuple

ANSWER = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s"


class Request(NamedTuple):
    """What came in."""

    path: str
    headers: dict
    body: bytes


class Receiver:
    """`requests` in the order in which they came; `most_at_once` how many of a path were open."""

    def __init__(self, tls=None):
        self.requests = []
        self.most_at_once = Counter()
        self.port = 0
        self._tls = tls
        self._open = Counter()
        self._seen = Counter()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=20)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def of(self, path):
        """The ids that came to this path, in order."""
        return [each.headers["webhook-id"] for each in self.requests if each.path == path]

    def _serve(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())

    async def _listen(self):
        self._stop = asyncio.Event()
        self._tasks = set()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _talk(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                request = Request(first.split()[1], headers, body)
                self.requests.append(request)
                path = request.path
                self._open[path] += 1
                self.most_at_once[path] = max(self.most_at_once[path], self._open[path])
                try:
                    await self._answer(request, writer)
                finally:
                    self._open[path] -= 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(asyncio.current_task())

    async def _answer(self, request, writer):
        what, _, how_often = request.path.removeprefix("/").partition("/")
        self._seen[request.path, request.headers["webhook-id"]] += 1
        times = self._seen[request.path, request.headers["webhook-id"]]
        if what == "hang":
            await self._stop.wait()
        elif what == "fails" and times <= int(how_often or 1_000_000):
            writer.write(ANSWER % (500, 9, b"", b"no, sorry"))
        elif what == "picky" and how_often.encode() in request.body:
            writer.write(ANSWER % (500, 0, b"", b""))
        elif what == "moved":
            writer.write(ANSWER % (302, 0, b"Location: /ok\r\n", b""))
        elif what == "gone":
            writer.write(ANSWER % (410, 0, b"", b""))
        elif what == "busy":
            writer.write(ANSWER % (429, 0, b"Retry-After: 3000\r\n", b""))
        elif what == "liar":
            writer.write(ANSWER % (200, 1000, b"", b"short"))
            writer.close()
        elif what == "hangs-up":
            writer.close()
        elif what == "garbage":
            writer.write(b"220 smtp.example ESMTP\r\n")
        elif what == "headers":
            await self._endless(writer, b"HTTP/1.1 200 X\r\n", b"X-More: more\r\n" * 100)
        elif what == "endless":
            await self._endless(writer, b"HTTP/1.1 200 X\r\n\r\n", b"more" * 4096)
        elif what == "drips":
            await self._endless(writer, b"HTTP/1.1 200 X\r\n", b"X", pause=0.05)
        elif what == "slow":
            await asyncio.sleep(float(how_often))
            writer.write(ANSWER % (200, 2, b"", b"ok"))
        else:
            writer.write(ANSWER % (200, 2, b"", b"ok"))
        await writer.drain()

    async def _endless(self, writer, begin, piece, pause=0.0):
        writer.write(begin)
        while not self._stop.is_set():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
