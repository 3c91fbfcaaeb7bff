import json
import smtplib
import socket
import subprocess
import sys
import threading

import pytest

from tests.simulator.world import mail
from tests.support import wait_for


def test_it_stops_on_sigterm_with_everything_written(start):
    world = start()
    for number in range(50):
        world.deliver(f"accept.stop{number}@outcome.example")
    output = world.stop()
    assert world.process.returncode == 0
    lines = (world.home / "receipts.ndjson").read_text().splitlines()
    assert len([line for line in lines if json.loads(line)["kind"] == "accepted"]) == 50
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert events == ["started", "draining", "stopped"]


def test_it_goes_on_where_it_stopped(start):
    world = start()
    world.deliver("accept.first@outcome.example")
    world.stop()
    again = start(home=world.home)
    again.deliver("accept.second@outcome.example")
    listed = again.call("GET", "/mails")[1]["mails"]
    assert [found["recipient"] for found in listed] == [
        "accept.first@outcome.example",
        "accept.second@outcome.example",
    ]
    assert again.call("GET", "/progress")[1]["counts"]["accepted"] == 2


def test_an_idle_client_is_sent_away_and_a_mail_under_way_is_taken(start):
    world = start()
    idle, busy = world.connect(), world.connect()
    busy.mail("a@b.example")
    busy.rcpt("accept.busy@outcome.example")
    busy.putcmd("DATA")
    assert busy.getreply()[0] == 354
    stopping = threading.Thread(target=world.stop)
    stopping.start()
    assert idle.getreply()[0] == 421
    busy.send(mail("x@y.example") + b".\r\n")
    assert busy.getreply()[0] == 250
    assert busy.getreply()[0] == 421
    stopping.join()
    assert world.process.returncode == 0
    assert '"accept.busy@outcome.example"' in (world.home / "receipts.ndjson").read_text()


def test_health_says_that_it_drains(start):
    world = start()
    with world.connect() as client:
        client.mail("a@b.example")
        stopping = threading.Thread(target=world.stop)
        stopping.start()
        wait_for(lambda: world.call("GET", "/health")[1]["status"] == "draining", timeout=4)
        client.rset()
    stopping.join()


def test_a_port_that_is_taken_ends_it_with_the_address(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match=f"127.0.0.1.*{port}"):
            start(smtp_port=port)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SIMULATOR_SMTP_PORT", "many", "smtp_port"),
        ("SIMULATOR_EDGE_INBOUND", "203.0.113.5:25", "not a loopback address"),
        ("SIMULATOR_RULES", "no-such-file.toml", "no-such-file.toml"),
    ],
)
def test_a_setting_that_makes_no_sense_ends_it_with_the_reason(tmp_path, name, value, words):
    done = subprocess.run(
        [sys.executable, "-m", "simulator"],
        env={"PYTHONPATH": ".", "SIMULATOR_HOME": str(tmp_path), name: value},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr


def test_a_client_that_vanishes_amid_a_mail_leaves_no_receipt(world):
    client = smtplib.SMTP("127.0.0.1", world.port("smtp"), timeout=10)
    client.ehlo()
    client.mail("a@b.example")
    client.rcpt("accept.vanished@outcome.example")
    client.putcmd("DATA")
    client.getreply()
    client.send(b"Subject: half\r\n")
    client.close()
    world.deliver("accept.afterwards@outcome.example")
    assert world.kinds("accept.vanished@outcome.example") == []
