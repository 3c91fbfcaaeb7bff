from uuid import uuid4

import orjson
import pytest

from sidecars import streams
from sidecars.names import ENRICHER_GROUP, HEADER_SIGNATURE, HEADER_TIMESTAMP, TOPIC_STATUSES
from sidecars.settings import settings
from sidecars.streams import ndjson
from sidecars.telemetry import held_up_by
from sidecars.webhook import room
from sidecars.webhook.mta import sign
from tests.raw_events import mta_event, unix_now
from tests.support import frozen, wait_for

SECRET = settings.webhook_secret.get_secret_value()


def post(client, body, timestamp=None, signature=None, secret=SECRET):
    timestamp = unix_now() if timestamp is None else timestamp
    headers = {HEADER_TIMESTAMP: str(timestamp), HEADER_SIGNATURE: signature or sign(body, timestamp, secret)}
    return client.post("/mta/events", data=body, headers=headers)


def batch(n):
    return [mta_event("delivered", uuid4()) for _ in range(n)]


def test_a_batch_is_one_record_of_the_same_events(client, statuses):
    events = batch(500)

    answer = post(client, ndjson(events) + b"\n")

    assert (answer.status_code, answer.json) == (200, {"accepted": 500})
    assert statuses.wait_for_events(500) == events
    assert len(statuses.all) == 1


def test_a_wrong_secret_is_refused(client, statuses):
    answer = post(client, ndjson(batch(1)), secret="another secret of the same length")

    assert answer.status_code == 401
    assert "WEBHOOK_SECRET" in answer.json["message"]
    assert statuses.events() == []


@pytest.mark.parametrize("age", [301, -301])
def test_a_signature_outside_five_minutes_is_refused(client, age):
    answer = post(client, ndjson(batch(1)), timestamp=unix_now() - age)

    assert answer.status_code == 401
    assert "clocks" in answer.json["message"]


def test_a_signature_of_another_body_is_refused(client):
    seen = ndjson(batch(1))
    timestamp = unix_now()

    answer = post(client, ndjson(batch(1)), timestamp, sign(seen, timestamp, SECRET))

    assert answer.status_code == 401


def test_a_signature_with_another_timestamp_is_refused(client):
    body = ndjson(batch(1))
    timestamp = unix_now()

    assert post(client, body, timestamp, sign(body, timestamp - 1, SECRET)).status_code == 401


@pytest.mark.parametrize("missing", [HEADER_TIMESTAMP, HEADER_SIGNATURE])
def test_a_batch_without_a_signature_is_refused(client, missing):
    body = ndjson(batch(1))
    headers = {HEADER_TIMESTAMP: str(unix_now()), HEADER_SIGNATURE: sign(body, unix_now(), SECRET)}
    del headers[missing]

    assert client.post("/mta/events", data=body, headers=headers).status_code == 401


@pytest.mark.parametrize("garbage", ["later", "12e3", "-5", "１２３"])
def test_a_timestamp_that_is_none_is_refused(client, garbage):
    headers = {HEADER_TIMESTAMP: garbage.encode(), HEADER_SIGNATURE: "v1=00"}

    assert client.post("/mta/events", data=b"{}", headers=headers).status_code == 401


def test_a_malformed_line_is_named_and_nothing_of_its_batch_is_taken(client, statuses):
    lines = [orjson.dumps(event) for event in batch(3)]
    lines[1] = lines[1].replace(b'"type":"delivered"', b'"type":"vanished"')

    answer = post(client, b"\n".join(lines))

    assert (answer.status_code, answer.json["line"]) == (400, 2)
    assert answer.json["message"].startswith("line 2: type: ")
    assert statuses.events() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipient": None}, "line 1: recipient: "),
        ({"occurred_at": "yesterday"}, "line 1: occurred_at: "),
        ({"occurred_at": "2026-11-24T10:15:30"}, "line 1: occurred_at: "),
        ({"message_id": None}, "line 1: message_id: "),
        ({"response": "x" * 1001}, "line 1: response: "),
        ({"connection_mail": -1}, "line 1: connection_mail: "),
        ({"conversation": [{"step": "dot"}]}, "line 1: conversation.0."),
    ],
)
def test_a_wrong_field_is_named(client, change, message):
    answer = post(client, ndjson([mta_event("delivered", uuid4()) | change]))

    assert answer.status_code == 400
    assert answer.json["message"].startswith(message)


def test_an_older_edge_may_lack_the_fields_that_came_later(client):
    event = mta_event("unknown", uuid4())
    for later in ("provider", "tls_version", "connection_mail"):
        del event[later]

    assert post(client, ndjson([event])).status_code == 200


def test_a_missing_field_is_named(client):
    event = mta_event("delivered", uuid4())
    del event["queue_id"]

    assert post(client, ndjson([event])).json["message"] == "line 1: queue_id: Field required"


@pytest.mark.parametrize("body", [b"", b"\n", b"not json", b"[]"])
def test_what_is_no_event_is_refused(client, body):
    assert post(client, body).status_code == 400


def test_more_than_a_records_events_are_refused(client):
    answer = post(client, ndjson(batch(2001)))

    assert answer.status_code == 400
    assert "at most 2000" in answer.json["message"]


def test_mail_to_postmaster_is_about_no_message(client, statuses):
    assert post(client, ndjson([mta_event("inbound", None)])).status_code == 200
    assert statuses.wait_for_events(1)


def test_a_body_beyond_4_mib_is_refused_in_json(client):
    answer = post(client, b"x" * (4 * 1024 * 1024 + 1))

    assert answer.status_code == 413
    assert answer.json["message"]


def test_while_kafka_is_down_a_batch_is_refused_and_taken_when_it_is_back(client, stack):
    events = batch(2)
    with frozen(stack.kafka.daemon):
        answer = post(client, ndjson(events))
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"

    wait_for(lambda: post(client, ndjson(events)).status_code == 200, interval=0.2)


def read_all_as_the_enricher():
    consumer = streams.consumer(ENRICHER_GROUP, [TOPIC_STATUSES])
    wait_for(lambda: consumer.poll(timeout_ms=1000) is not None and consumer.assignment())
    consumer.seek_to_end()
    for partition in consumer.assignment():
        consumer.position(partition)
    consumer.commit()
    consumer.close(autocommit=False)


def test_while_the_enricher_is_far_behind_events_stay_at_the_edge(client, monkeypatch):
    monkeypatch.setattr(room, "settings", settings.model_copy(update={"kiba_max_unread_records": 2}))
    read_all_as_the_enricher()
    wait_for(lambda: post(client, ndjson(batch(1))).status_code == 200)

    refused = wait_for(lambda: (answer := post(client, ndjson(batch(1)))).status_code == 503 and answer)
    assert "enricher" in refused.json["message"]
    assert held_up_by()["enricher"] > 0

    read_all_as_the_enricher()
    wait_for(lambda: post(client, ndjson(batch(1))).status_code == 200)
    assert held_up_by()["enricher"] == 0
