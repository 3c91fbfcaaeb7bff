"""/v1/webhooks, with a receiver on this machine."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from sidecars.callbacks import feed
from sidecars.callbacks.events import EVENT_TYPES, Event
from sidecars.callbacks.turn import take_turn
from sidecars.models import WebhookDelivery, WebhookEndpoint, database, now
from tests.callbacks.conftest import receiver

__all__ = ["receiver"]


@pytest.fixture(scope="module")
def url(receiver):
    return receiver.url


@pytest.fixture
def webhook(acme, url):
    """`webhook(path)`: the endpoint as it was answered when it was made."""

    def make(path="/ok", **fields):
        body = {"url": url + path, "events": ["email.delivered"]} | fields
        made = acme.post("/v1/webhooks", json=body)
        assert made.status_code == 201, made.json
        return made.json

    return make


def number(shown):
    return int(shown["id"].partition("_")[2])


def happens(acme, how_often=1, ago=timedelta(0)):
    """So many mails are delivered."""
    at = datetime.now(UTC) - ago
    events = [
        Event(uuid4(), acme.team.id, "email.delivered", uuid4(), at, "broadcast", {"n": n})
        for n in range(how_often)
    ]
    with database.connection_context():
        feed.record(events, feed.listeners([acme.team.id]))


def deliver(made):
    """As the courier does, when all waits are over."""
    with database.connection_context():
        WebhookDelivery.update(due_at=now()).where(WebhookDelivery.endpoint == number(made)).execute()
        WebhookEndpoint.update(due_at=now(), rests_until=None).where(
            WebhookEndpoint.id == number(made)
        ).execute()
    take_turn(number(made))


def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(acme, webhook):
    made = webhook("/ok?a=1", events=["email.opened", "email.bounced"], stream="broadcast", description="CRM")
    assert made.pop("secret").startswith("whsec_")
    assert (made["id"][:3], made["enabled"], made["waiting"]) == ("wh_", True, 0)
    assert made["events"] == ["email.bounced", "email.opened"]
    path = f"/v1/webhooks/{made['id']}"
    assert acme.get(path).json == made
    assert acme.get("/v1/webhooks").json == {"data": [made], "next_cursor": None}
    changed = acme.patch(path, json={"stream": None, "description": "ERP", "enabled": True}).json
    assert changed == made | {"stream": None, "description": "ERP"}
    assert acme.delete(path).status_code == 204
    assert acme.get(path).status_code == acme.delete(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://app.example/"}, "url"),
        ({"url": "https://app.example/\n"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["email.lost"]}, "events.0"),
        ({"stream": "fax"}, "stream"),
    ],
)
def test_what_cannot_be_told_is_refused_by_the_field(acme, fields, body, field):
    good = {"url": "https://app.example/", "events": ["email.opened"]}
    assert fields(acme.post("/v1/webhooks", json=good | body)) == [field]


def test_every_type_of_event_has_an_example(acme):
    listed = acme.get("/v1/webhooks/event-types").json["data"]
    assert [each["type"] for each in listed] == list(EVENT_TYPES)
    assert all(set(each["example"]) == {"type", "timestamp", "data"} for each in listed)


def test_the_test_button_tells_what_the_app_answers(acme, webhook, receiver):
    made = webhook("/ok/button")
    told = acme.post(f"/v1/webhooks/{made['id']}/test", json={}).json
    assert (told["ok"], told["status"], told["reply"], told["error"]) == (True, 200, "ok", "")
    request = next(each for each in receiver.requests if each.path == "/ok/button")
    assert Webhook(made["secret"]).verify(request.body, request.headers) == told["body"]
    assert request.headers["webhook-id"] == told["event_id"]
    failing = webhook("/fails")
    told = acme.post(f"/v1/webhooks/{failing['id']}/test", json={"type": "domain.broken"}).json
    assert (told["ok"], told["status"], told["reply"]) == (False, 500, "no, sorry")
    assert told["body"]["type"] == "domain.broken"


def test_the_secret_can_be_changed(acme, webhook):
    made = webhook()
    told = acme.post(f"/v1/webhooks/{made['id']}/rotate", json={"keep_hours": 2}).json
    assert told["secret"] != made["secret"]
    assert told["previous_secret_until"]
    again = acme.post(f"/v1/webhooks/{made['id']}/rotate", json={"keep_hours": 0}).json
    assert again["previous_secret_until"] is None


def test_the_log_has_each_attempt_and_what_failed_is_sent_anew(acme, other, webhook):
    made = webhook("/fails/1")
    path = f"/v1/webhooks/{made['id']}"
    happens(acme, 3)
    for _ in range(2):
        deliver(made)
    attempts = acme.get(f"{path}/attempts?limit=4").json
    assert len(attempts["data"]) == 4
    rest = acme.get(f"{path}/attempts?cursor={attempts['next_cursor']}").json
    everything = attempts["data"] + rest["data"]
    assert sorted(each["status"] for each in everything) == [200, 200, 200, 500, 500, 500]
    failed = next(each for each in everything if each["status"] == 500)
    assert (failed["reply"], failed["url"], failed["type"]) == ("no, sorry", made["url"], "email.delivered")
    assert failed["body"]["type"] == "email.delivered"
    own = acme.get(f"{path}/attempts?delivery_id={failed['delivery_id']}").json["data"]
    assert [each["status"] for each in own] == [200, 500]

    deliveries = acme.get(f"{path}/deliveries?state=delivered&type=email.delivered").json["data"]
    assert [each["attempts"] for each in deliveries] == [2, 2, 2]
    replay = f"{path}/deliveries/{deliveries[0]['id']}/replay"
    assert other.post(replay).status_code == 404
    again = acme.post(replay).json
    assert (again["state"], again["attempts"], again["event_id"]) == ("waiting", 0, deliveries[0]["event_id"])
    assert acme.get(path).json["waiting"] == 1
    assert acme.get(f"{path}/deliveries?state=waiting").json["data"] == [again]


def test_a_span_of_time_is_counted_and_sent_anew(acme, webhook, receiver, fields):
    made = webhook("/ok/span")
    path = f"/v1/webhooks/{made['id']}/replay"
    happens(acme, 5, ago=timedelta(hours=3))
    happens(acme, 2)
    deliver(made)
    now_ = datetime.now(UTC)
    span = {"from": (now_ - timedelta(hours=4)).isoformat(), "to": (now_ - timedelta(hours=2)).isoformat()}
    assert acme.post(path, json=span | {"dry_run": True}).json == {"deliveries": 0, "dry_run": True}
    everything = span | {"only_failed": False}
    assert acme.post(path, json=everything | {"dry_run": True}).json == {"deliveries": 5, "dry_run": True}
    assert acme.post(path, json=everything).json == {"deliveries": 5, "dry_run": False}
    deliver(made)
    came = receiver.of("/ok/span")
    assert (len(came), len(set(came))) == (12, 7)
    assert fields(acme.post(path, json={"from": span["to"], "to": span["from"]})) == ["to"]


def test_a_disabled_endpoint_is_sent_nothing_until_it_is_enabled(acme, webhook):
    made = webhook("/ok/disabled")
    path = f"/v1/webhooks/{made['id']}"
    happens(acme)
    shown = acme.patch(path, json={"enabled": False}).json
    assert (shown["enabled"], shown["disabled_reason"], shown["waiting"]) == (
        False,
        "Disabled by the team.",
        0,
    )
    (delivery,) = acme.get(f"{path}/deliveries").json["data"]
    assert delivery["state"] == "failed"
    span = {"from": "2026-01-01T00:00:00Z"}
    for refused in (f"{path}/replay", f"{path}/deliveries/{delivery['id']}/replay"):
        assert (
            acme.post(refused, json=span if refused.endswith(f"{made['id']}/replay") else None).status_code
            == 409
        )
    assert acme.patch(path, json={"enabled": True}).json["disabled_reason"] == ""
    assert acme.post(f"{path}/replay", json=span).json["deliveries"] == 1
    deliver(made)
    assert acme.get(f"{path}/deliveries").json["data"][0]["state"] == "delivered"
