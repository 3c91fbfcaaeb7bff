import json


def events(receiver):
    """The events of all envelopes that came: https://develop.sentry.dev/sdk/envelopes/"""
    found = []
    for path, body in receiver.requests:
        assert path == "/api/42/envelope/"
        _, *items = body.split(b"\n")
        for header, payload in zip(items[::2], items[1::2], strict=False):
            if json.loads(header)["type"] == "event":
                found.append(json.loads(payload))
    return found


FAILING = """
import logging
from sidecars.telemetry import setup
setup("fanout")
def send_slice(recipient):
    raise RuntimeError("edge gone")
try:
    send_slice("zoe@people.example")
except RuntimeError:
    logging.getLogger("sidecars.broadcasts").exception("slice failed", extra={"broadcast_id": 7})
"""


def test_an_error_arrives_at_sentry_with_process_and_release_and_without_its_recipient(receiver, run_python):
    run_python(
        FAILING,
        SENTRY_DSN=f"http://key@127.0.0.1:{receiver.port}/42",
        RELEASE="1.2.3",
        ENVIRONMENT="staging",
    )
    (event,) = events(receiver)
    assert event["exception"]["values"][-1]["value"] == "edge gone"
    assert event["logentry"]["message"] == "slice failed"
    assert event["extra"]["broadcast_id"] == 7
    assert event["tags"]["process"] == "fanout"
    assert event["release"] == "1.2.3"
    assert event["environment"] == "staging"
    frames = [frame for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]
    assert frames
    assert not any("vars" in frame for frame in frames)


def test_without_a_dsn_nothing_leaves(receiver, run_python):
    (line,) = run_python(FAILING, SENTRY_DSN="")
    assert line["event"] == "slice failed"
    assert receiver.requests == []
