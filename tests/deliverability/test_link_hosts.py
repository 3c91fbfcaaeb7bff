"""A team names the host of its links; it never chooses whom we connect to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from sidecars.deliverability import link_hosts
from sidecars.edge import tracking


@pytest.fixture
def serve():
    """`serve(status, headers)` answers so; gives its port and the Host fields that came."""
    servers = []

    def start(status, headers):
        hosts = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                hosts.append(self.headers["Host"])
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args):
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_port, hosts

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def installed(monkeypatch):
    """`installed(port)`: our receiver is there."""

    def install(port):
        settings = SimpleNamespace(tracking_url=f"http://127.0.0.1:{port}")
        for module in (link_hosts, tracking):
            monkeypatch.setattr(module, "settings", settings)

    return install


@pytest.mark.parametrize("host", ["127.0.0.2", "169.254.169.254", "localhost", "[::1]", "metadata.internal"])
def test_our_own_receiver_is_asked_in_whatever_name(serve, installed, host):
    port, hosts = serve(200, {"Content-Type": "image/gif"})
    installed(port)

    assert link_hosts.fault_of(host) == ""
    assert hosts == [f"{host}:{port}"]


def test_no_redirect_is_followed(serve, installed):
    inner, reached = serve(200, {"Content-Type": "image/gif"})
    port, _ = serve(302, {"Location": f"http://127.0.0.1:{inner}/"})
    installed(port)

    assert "something else answers" in link_hosts.fault_of("links.acme.example")
    assert reached == []
