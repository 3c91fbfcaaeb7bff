"""A simulator on free ports, and those whom it calls: an edge's inbound listener, a tracking host."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from infra.local.ports import free_ports
from tests.simulator.world import Inbox, Tracker, World
from tests.support import wait_for

Start = Callable[..., World]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a simulator; its home and any SIMULATOR_ variable can be given."""
    worlds: list[World] = []

    def start(home: Path | None = None, **variables: object) -> World:
        home = home or tmp_path_factory.mktemp("simulator")
        ports = {f"{name}_port": port for name, port in free_ports(("smtp", "http", "dns")).items()}
        chosen = {"home": home, "edge_inbound": "127.0.0.1:9", **ports, **variables}
        environment = {f"SIMULATOR_{name.upper()}": str(value) for name, value in chosen.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator"],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        world = World(home, environment, process)
        worlds.append(world)
        wait_for(lambda: answers(world))
        return world

    yield start
    running = [world for world in worlds if world.process.poll() is None]
    for world in running:
        world.process.terminate()
    for world in running:
        world.stop()


def answers(world: World) -> bool:
    assert world.process.poll() is None, world.process.communicate()[0].decode()
    try:
        return b'"ok"' in world.get("/health")
    except OSError:
        return False


@pytest.fixture(scope="session")
def world(start: Start) -> World:
    """One simulator with the rules as they ship, in which no test forgets what another has done."""
    return start()


@pytest.fixture
def rules(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a rules file with one provider, `only.example`, given its lines."""

    def write(lines: str) -> Path:
        path = tmp_path / "rules.toml"
        head = '[attempts]\n[[provider]]\nname = "only"\ndomains = ["only.example"]\n'
        path.write_text(f'{head}mx = {{ "mx.only.example" = "127.0.25.77" }}\n{lines}')
        return path

    return write


@pytest.fixture(scope="session")
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_ports(["inbox"])["inbox"])
    controller.start()
    inbox.port = controller.port
    yield inbox
    controller.stop()


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    """Answers clicks with a redirect off this machine, which nobody should follow."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if tracker.failures:
                tracker.failures -= 1
                return self.reply(503)
            tracker.requests.append((self.command, self.path, self.headers, body))
            if self.path.startswith("/c/"):
                return self.reply(302, Location="http://shop.example/")
            form = f'<form method="post" action="{self.path}"><input name="sure" value="yes"></form>'
            return self.reply(200, form.encode())

        def reply(self, status: int, content: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tracker = Tracker(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield tracker
    server.shutdown()
    server.server_close()
    thread.join()
