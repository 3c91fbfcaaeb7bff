"""Hundreds of clients that send a byte now and then keep nobody out, are ended, and fill no memory."""

import os
import socket
import subprocess
import sys
import time

import pytest

from infra.local.ports import free_ports
from sidecars.telemetry.whole_requests import MAX_HEAD, Arrival
from tests.support import wait_for

BEGINNINGS = (
    b"",
    b"GET /arrived HTTP/1.1\r\nHost: a.example\r\nX-Slow: ",
    b"POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\nab",
    b"POST /echo HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    b"POST /echo HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    # A whole request, and the beginning of another.
    b"GET /health HTTP/1.1\r\nHost: a.example\r\n\r\nGET /health HTTP/1.1\r\n",
)
SERVED = (
    (b"GET /health HTTP/1.1\r\nHost: a.example\r\n\r\n", b'"status"'),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", b"\r\n\r\nhello"),
    (
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        b"\r\n\r\nhello",
    ),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(its address, its process), with a time of three seconds for a request, as gunicorn serves the API."""
    port = free_ports(["web"])["web"]
    hurry = "from sidecars.telemetry import whole_requests as w; w.ARRIVES_SECONDS = 3.0"
    run = "import sys; from gunicorn.app.wsgiapp import run; sys.exit(run())"
    out = tmp_path_factory.mktemp("served") / "log"
    command = (
        *(sys.executable, "-c", f"{hurry}\n{run}", "--config", "python:sidecars.telemetry.serving"),
        *("--threads", "4", "--bind", f"127.0.0.1:{port}", "tests.telemetry.served:app"),
    )
    with (
        out.open("wb") as log,
        subprocess.Popen(command, env=os.environ.copy(), stdout=log, stderr=log) as process,
    ):
        wait_for(lambda: answer(("127.0.0.1", port), SERVED[0][0]))
        yield ("127.0.0.1", port), process
        process.kill()


def answer(address, request, pieces=1):
    """What a request is answered, sent in so many pieces; empty where nobody listens."""
    try:
        with socket.create_connection(address, timeout=30) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            size = -(-len(request) // pieces)
            for at in range(0, len(request), size):
                client.sendall(request[at : at + size])
            return _read(client)
    except ConnectionError:
        return b""


def _read(client):
    received = b""
    while b"\r\n\r\n" not in received or not received.partition(b"\r\n\r\n")[2]:
        piece = client.recv(65536)
        if not piece:
            break
        received += piece
    return received


@pytest.mark.parametrize(("request_", "body"), SERVED)
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_request_is_served_in_however_many_pieces_it_comes(server, request_, body, pieces):
    assert body in answer(server[0], request_, pieces)


def test_two_hundred_slow_clients_keep_nobody_out_and_are_ended(server):
    address, process = server
    slow = [socket.create_connection(address) for _ in range(200)]
    for number, client in enumerate(slow):
        client.sendall(BEGINNINGS[number % len(BEGINNINGS)])
    worst = 0.0
    for request, body in SERVED * 10:
        began = time.monotonic()
        assert body in answer(address, request)
        worst = max(worst, time.monotonic() - began)
    print(f"with 200 slow clients a request took {worst * 1000:.0f} ms at most")
    for client in slow:
        client.settimeout(30)
        while client.recv(65536):
            pass
        client.close()
    assert process.poll() is None


def test_a_client_that_waits_for_continue_is_told(server):
    with socket.create_connection(server[0], timeout=30) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"hello")
        wait_for(lambda: b"hello" in client.recv(65536))


def test_requests_that_come_together_are_answered_one_after_the_other(server):
    with socket.create_connection(server[0], timeout=30) as client:
        client.sendall(SERVED[1][0] * 3 + SERVED[2][0][:40])
        received = b""
        while received.count(b"hello") < 3:
            received += client.recv(65536)
        client.sendall(SERVED[2][0][40:])
        while received.count(b"hello") < 4:
            received += client.recv(65536)


def test_a_head_without_an_end_is_refused(server):
    head = b"GET /health HTTP/1.1\r\nX-Large: " + b"x" * (MAX_HEAD + 100)
    assert answer(server[0], head).startswith(b"HTTP/1.1 431 ")


def test_chunks_are_looked_at_once_however_many_there_are():
    arrival = Arrival(bytearray(SERVED[2][0].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"))
    began = time.process_time()
    for _ in range(2_000):
        arrival.data += b"1\r\nx\r\n" * 100
        assert not arrival.is_whole()
    assert time.process_time() - began < 20
    arrival.data += b"0\r\n\r\n"
    assert arrival.is_whole()
