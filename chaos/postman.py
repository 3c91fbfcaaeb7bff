"""A postman before the webhook receiver, who takes each post at once and brings it twice, in no order."""

import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from typing_extensions import override

from sidecars import names

LONGEST_DELAY_SECONDS = 3.0
RETRY_SECONDS = 0.2
HANDED_ON = ("Content-Type", names.HEADER_TIMESTAMP, names.HEADER_SIGNATURE)


class Postman(ThreadingHTTPServer):
    """Serves in a thread of its own until `leave`."""

    def __init__(self, receiver: str, chance: random.Random) -> None:
        """`receiver` is the base URL to which posts are brought; `chance` draws their delays."""
        super().__init__(("127.0.0.1", 0), _Post)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.posts = 0
        self._receiver = receiver
        self._chance = chance
        self._bearers: list[threading.Thread] = []
        threading.Thread(target=self.serve_forever, name="postman", daemon=True).start()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """From now on two bearers are on their way."""
        self.posts += 1
        for _ in range(2):
            delay = self._chance.uniform(0, LONGEST_DELAY_SECONDS)
            bearer = threading.Timer(delay, self._bring, (path, headers, body))
            bearer.start()
            self._bearers.append(bearer)

    def finish(self) -> None:
        """Returns when everything that was taken has been brought."""
        for bearer in self._bearers:
            bearer.join()

    def leave(self) -> None:
        """Brings what was taken, and takes no more."""
        self.shutdown()
        self.server_close()
        self.finish()

    def _bring(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Again and again until it is taken, since the edge believes that it is."""
        while not self._is_taken(path, headers, body):
            time.sleep(RETRY_SECONDS)

    def _is_taken(self, path: str, headers: dict[str, str], body: bytes) -> bool:
        try:
            return requests.post(self._receiver + path, body, headers=headers, timeout=30).ok
        except requests.RequestException:
            return False


class _Post(BaseHTTPRequestHandler):
    server: Postman
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Says 200, whatever it is."""
        headers = {name: self.headers[name] for name in HANDED_ON}
        self.server.take(self.path, headers, self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
