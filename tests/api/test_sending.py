"""Publishing and holding back, over HTTP; the movers themselves are tested in tests/broadcasts."""

import json
from datetime import timedelta

import pytest

from sidecars.api import sending
from sidecars.api.shapes import rfc3339
from sidecars.models import Broadcast, SendingDomain, now
from tests.api.conftest import PROBLEM


@pytest.fixture
def address(goods):
    return f"/v1/broadcasts/{goods.ids.broadcast}"


def in_state(goods, state, **fields):
    Broadcast.update(state=state, **fields).where(Broadcast.id == goods.broadcast.id).execute()


def test_a_broadcast_is_published_once(acme, address):
    published = acme.post(f"{address}/publish")
    assert published.status_code == 202
    assert published.json["state"] == "planning"
    assert published.json["published_at"] is not None
    again = acme.post(f"{address}/publish", json={})
    assert again.status_code == 409
    assert again.json["state"] == "planning"
    assert "planning" in again.json["message"]


def test_what_is_not_ready_is_refused_with_all_that_is_missing(acme, address, goods, fields):
    SendingDomain.update(verified_at=None).where(SendingDomain.id == goods.domain.id).execute()
    acme.patch(address, json={"subject": "", "body": ""})
    found = fields(acme.post(f"{address}/publish"))
    assert {"subject", "body"} <= set(found)
    assert len(found) == 3
    assert acme.get(address).json["state"] == "draft"
    told = acme.post(f"{address}/validate").json["errors"]
    assert sorted(error["field"] for error in told) == sorted(found)


def test_a_broadcast_waits_for_its_moment_and_stays_open_to_changes(acme, address):
    at = now() + timedelta(hours=3)
    scheduled = acme.post(f"{address}/publish", json={"scheduled_at": at.isoformat()})
    assert scheduled.status_code == 202
    assert (scheduled.json["state"], scheduled.json["scheduled_at"]) == ("scheduled", rfc3339(at))
    assert acme.patch(address, json={"name": "Later"}).json["name"] == "Later"
    assert acme.post(f"{address}/cancel").json["state"] == "cancelled"


@pytest.mark.parametrize(
    "moment",
    [
        "tomorrow",
        "2026-12-01",
        "2026-12-01T09:00:00",
        1800000000,
        "2001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_moment_is_in_the_future_and_has_its_offset(acme, address, fields, moment):
    assert fields(acme.post(f"{address}/publish", json={"scheduled_at": moment})) == ["scheduled_at"]


def test_a_broadcast_is_held_and_let_go(acme, address, goods):
    in_state(goods, "sending", planned_at=now())
    assert acme.post(f"{address}/pause").json["state"] == "paused"
    assert acme.post(f"{address}/resume").json["state"] == "sending"
    assert acme.post(f"{address}/cancel").json["state"] == "cancelled"


@pytest.mark.parametrize(
    ("state", "wish"),
    [
        ("draft", "pause"),
        ("draft", "resume"),
        ("draft", "cancel"),
        ("sending", "resume"),
        ("sending", "publish"),
        ("sent", "pause"),
        ("sent", "cancel"),
        ("cancelled", "resume"),
    ],
)
def test_what_is_not_possible_in_a_state_names_the_state(acme, address, goods, state, wish):
    in_state(goods, state)
    response = acme.post(f"{address}/{wish}")
    assert response.status_code == 409
    assert response.json["state"] == state
    assert set(response.json) == {"message", "state", *PROBLEM}
    assert acme.get(address).json["state"] == state


def test_progress_adds_up(acme, address):
    progress = acme.get(f"{address}/progress").json
    assert (progress["state"], progress["total"], progress["handed_over"]) == ("draft", 0, 0)
    assert sum(progress["counts"].values()) == progress["total"]
    assert {"planned", "claimed", "accepted", "delivered", "bounced", "unknown"} <= set(progress["counts"])
    assert progress["eta_seconds"] is None


def events(text):
    return [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in (event.split("\n") for event in text.strip().split("\n\n"))
    ]


def test_a_stream_of_what_has_ended_ends(acme, address, goods):
    in_state(goods, "cancelled")
    response = acme.get(f"{address}/progress", headers={"Accept": "text/event-stream"})
    assert response.status_code == 200
    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-store"
    (first, progress), (last, end) = events(response.get_data(as_text=True))
    assert (first, progress["state"]) == ("progress", "cancelled")
    assert (last, end) == ("end", {"state": "cancelled"})


def test_a_stream_goes_on_until_the_end(acme, address, goods, monkeypatch):
    monkeypatch.setattr(sending, "STREAM_SECONDS", 0.01)
    in_state(goods, "sending")
    response = acme.get(f"{address}/progress", headers={"Accept": "text/event-stream"}, buffered=False)
    stream = response.response
    assert "sending" in next(stream).decode()
    assert "sending" in next(stream).decode()
    in_state(goods, "sent")
    rest = b"".join(stream).decode()
    assert "event: end" in rest
    response.close()


def test_only_so_many_may_watch_at_once(acme, address, goods):
    in_state(goods, "sending")
    watching = []
    while (
        response := acme.get(f"{address}/progress", headers={"Accept": "text/event-stream"})
    ).status_code == 200:
        watching.append(response)
        assert len(watching) <= 8
    assert response.status_code == 503
    assert "Too many" in response.json["message"]
    for each in watching:
        each.close()
    in_state(goods, "sent")
    again = acme.get(f"{address}/progress", headers={"Accept": "text/event-stream"})
    assert again.status_code == 200
    again.close()
