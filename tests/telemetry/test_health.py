import json
import logging
import socket
import threading
import urllib.error
import urllib.request

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from infra.local.ports import free_ports
from sidecars.telemetry import backpressure, health, health_server, instrument, logs


def broken():
    raise ConnectionRefusedError("nobody listens")


@pytest.fixture
def app():
    return Flask(__name__)


def test_a_process_whose_checks_pass_is_ok(app, monkeypatch):
    monkeypatch.setattr(logs, "_process", "webhook")
    monkeypatch.setattr(backpressure, "_held", {})  # by what earlier tests took away
    instrument(app, {"kafka": lambda: "1 broker"})
    answer = app.test_client().get("/health")
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "process": "webhook",
        "checks": {"kafka": {"ok": True, "detail": "1 broker"}},
        "held_up_by": {},
    }


def test_a_check_that_raises_makes_it_failing_and_says_why(app):
    instrument(app, {"kafka": broken, "mysql": lambda: "8.4"})
    answer = app.test_client().get("/health")
    assert answer.status_code == 503
    assert answer.json["status"] == "failing"
    assert answer.json["checks"]["kafka"] == {"ok": False, "detail": "ConnectionRefusedError: nobody listens"}
    assert answer.json["checks"]["mysql"]["ok"]


def test_a_draining_process_asks_for_no_more_work_and_says_so_once(app, caplog):
    health = instrument(app, {})
    with caplog.at_level(logging.INFO):
        health.draining()
        health.draining()
    answer = app.test_client().get("/health")
    assert answer.status_code == 503
    assert answer.json["status"] == "draining"
    assert caplog.messages == ["draining"]


def test_requests_are_counted_by_rule_so_that_tokens_make_no_series(app):
    instrument(app, {})
    app.add_url_rule("/c/<token>/<int:n>", view_func=lambda token, n: "moved")
    client = app.test_client()
    for token in ("first", "second"):
        client.get(f"/c/{token}/0")
    client.get("/health")
    families = text_string_to_metric_families(client.get("/metrics").text)
    requests = {
        sample.labels["url_rule"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "flask_http_request_duration_seconds_count"
    }
    assert requests == {"/c/<token>/<int:n>": 2}


def test_two_apps_can_live_in_one_process():
    for _ in range(2):
        app = Flask(__name__)
        instrument(app, {})
        assert "kibamail_mails_total" in app.test_client().get("/metrics").text


def test_a_process_without_a_web_server_answers_too():
    port = free_ports(["health"])["health"]
    server = health_server(port, {"redis": lambda: "7.0"})
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            assert json.load(answer)["status"] == "ok"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert {"kibamail_mails", "kibamail_stage_seconds", "python_info"} <= {
                family.name for family in text_string_to_metric_families(answer.read().decode())
            }
        server.draining()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health")
        assert refused.value.code == 503
    finally:
        server.close()
    # It may have connected while the socket was closing.
    with pytest.raises(OSError, match=r"refused|reset|closed"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health")


def test_a_process_of_many_threads_answers_too():
    over = threading.Event()
    threads = [threading.Thread(target=over.wait) for _ in range(200)]
    for thread in threads:
        thread.start()
    port = free_ports(["health"])["health"]
    server = health_server(port, {})
    try:
        for _ in range(health.MOST_REQUESTS * 2):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as answer:
                assert answer.status == 200
    finally:
        over.set()
        server.close()
        for thread in threads:
            thread.join()


def test_only_so_many_ask_at_once_and_who_is_slow_is_ended(monkeypatch):
    monkeypatch.setattr(health, "REQUEST_SECONDS", 2.0)
    monkeypatch.setattr(health, "MOST_REQUESTS", 20)
    port = free_ports(["health"])["health"]
    server = health_server(port, {})
    try:
        slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(60)]
        for client in slow:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        for client in slow:
            with client:
                assert _rest(client) == b""
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as answer:
            assert answer.status == 200
    finally:
        server.close()


def _rest(client):
    try:
        return client.recv(100)
    except ConnectionError:
        return b""


def test_port_0_listens_nowhere():
    server = health_server(0, {})
    server.draining()
    server.close()
