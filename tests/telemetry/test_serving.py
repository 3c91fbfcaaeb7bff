import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

from infra.local.ports import free_ports
from tests.support import wait_for
from tests.telemetry.conftest import receiving


@pytest.fixture(scope="module")
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def server(tmp_path_factory, receiver):
    """(gunicorn, its URL, its log lines so far); Sentry and PostHog are the receiver."""
    env = {
        **os.environ,
        "SENTRY_DSN": f"http://key@127.0.0.1:{receiver.port}/42",
        "POSTHOG_KEY": "phc_test",
        "POSTHOG_HOST": f"http://127.0.0.1:{receiver.port}",
    }
    port = free_ports(["web"])["web"]
    out = tmp_path_factory.mktemp("served") / "stdout"
    command = (
        *(sys.executable, "-m", "gunicorn", "--config", "python:sidecars.telemetry.serving"),
        *("--name", "webhook", "--threads", "4", "--bind", f"127.0.0.1:{port}", "tests.telemetry.served:app"),
    )
    with (
        out.open("wb") as stdout,
        subprocess.Popen(command, env=env, stdout=stdout, stderr=stdout) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: get(url + "/health"))
        yield process, url, lambda: [json.loads(line) for line in out.read_text().splitlines()]
        process.kill()


def get(url):
    """(status, text), None where nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None


def test_every_line_of_gunicorn_is_json_and_names_the_process(server):
    _, _, lines = server
    assert any(line["event"].startswith("Listening at") for line in lines())
    assert {line["process"] for line in lines()} == {"webhook"}


def test_a_worker_tells_sentry_and_posthog_though_the_master_connected_them(server, receiver):
    _, url, _ = server
    assert get(url + "/fail")[0] == 500
    assert get(url + "/event") == (200, "told")
    wait_for(lambda: {path for path, _ in receiver.requests} >= {"/api/42/envelope/", "/batch/"})
    bodies = b"".join(body for _, body in receiver.requests)
    assert b"fails in a worker" in bodies
    assert b"broadcast published" in bodies


def test_at_last_sigterm_finishes_what_is_under_way_and_says_so(server):
    process, url, lines = server
    answers = []
    thread = threading.Thread(target=lambda: answers.append(get(url + "/slow")))
    thread.start()
    assert get(url + "/arrived") == (200, "True")
    process.send_signal(signal.SIGTERM)
    thread.join()
    assert answers == [(200, "done")]
    assert process.wait(20) == 0
    events = [line["event"] for line in lines()]
    assert "draining" in events
    assert events[-1] == "stopped"
