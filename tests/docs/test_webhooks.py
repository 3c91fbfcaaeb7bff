"""The receiver of docs/webhooks.md, run as it stands there."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from infra.local.ports import free_ports
from sidecars.callbacks import signing
from sidecars.callbacks.events import EVENT_TYPES
from tests.support import wait_for

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()


def test_the_receiver_takes_what_is_signed_and_refuses_what_is_not(tmp_path):
    (tmp_path / "receiver.py").write_text(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1])
    port, secret = free_ports(["app"])["app"], signing.new_secret()
    app = subprocess.Popen(
        (sys.executable, "-m", "flask", "--app", "receiver", "run", "--port", str(port)),
        cwd=tmp_path,
        env=os.environ | {"KIBAMAIL_WEBHOOK_SECRET": secret, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}/kibamail"

        def answers():
            try:
                return requests.get(url, timeout=5).status_code == 405
            except requests.ConnectionError:
                return False

        wait_for(answers)
        body = '{"type": "email.delivered", "data": {"recipient": "ada@mail.example"}}'
        good = signing.headers([secret], "evt_1", int(time.time()), body)
        assert [requests.post(url, body, headers=good, timeout=5).status_code for _ in range(2)] == [204, 204]
        assert requests.post(url, body + " ", headers=good, timeout=5).status_code == 401
    finally:
        app.terminate()
    printed = app.communicate()[0]
    assert printed.count("email.delivered ada@mail.example\n") == 1


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_type_of_event_is_told_of(event_type):
    assert f"`{event_type}`" in PAGE
