"""Broadcasts in variants, to readers' own hours, and written once more, as the API has them."""

from datetime import datetime, timedelta

import pytest

from sidecars.api.ids import number
from sidecars.broadcasts.plan import plan
from sidecars.deliverability import senders
from sidecars.models import Broadcast, Variant

TEST = {"share": 20, "criterion": "clicks", "wait_minutes": 90}


def variant(name, **fields):
    return {"name": name, "weight": 50, "subject": name, "body": "<p>Hi</p>"} | fields


@pytest.fixture
def address(goods):
    return f"/v1/broadcasts/{goods.ids.broadcast}"


def test_a_test_is_planned_shown_and_taken_back(acme, address, goods, fields):
    other = senders.create(acme.team.id, "Ada of Acme", f"ada@{goods.domain.name}")
    both = [variant("A"), variant("B", sender_id=f"snd_{other.id}")]
    saved = acme.patch(address, json={"variants": both, "test": TEST}).json
    assert {name: saved["test"][name] for name in TEST} == TEST
    assert (saved["test"]["winner_id"], saved["test"]["explanation"]) == (None, "")
    assert [each["sender_id"] for each in saved["variants"]] == [None, f"snd_{other.id}"]
    assert acme.post(f"{address}/validate").json["valid"]
    assert acme.patch(address, json={"test": None}).json["test"] is None
    for wrong, field in (
        ({"test": TEST | {"share": 100}}, "test.share"),
        ({"test": TEST | {"criterion": "revenue"}}, "test.criterion"),
        ({"test": {"share": 10}}, "test.criterion"),
        ({"variants": [variant("A"), variant("B", sender_id="snd_999999")]}, "variants.1.sender_id"),
    ):
        assert field in fields(acme.patch(address, json=wrong))


def test_the_winner_may_be_chosen_by_a_person(acme, address, goods, fields):
    acme.patch(address, json={"variants": [variant("A"), variant("B")], "test": TEST})
    published = acme.post(f"{address}/publish").json
    plan(goods.broadcast.id)
    first, second = (each["id"] for each in published["variants"])
    assert fields(acme.post(f"{address}/winner", json={"variant_id": "var_999999"})) == ["variant_id"]
    chosen = acme.post(f"{address}/winner", json={"variant_id": second}).json["test"]
    assert (chosen["winner_id"], chosen["explanation"]) == (second, "“B” was chosen by hand.")
    assert acme.post(f"{address}/winner", json={"variant_id": first}).status_code == 409


def test_it_may_go_by_readers_own_hours(acme, address, fields):
    hour = (datetime.now() + timedelta(days=3)).strftime("%Y-%m-%dT09:00:00")
    plans = {"local_time": hour, "timezone": "Europe/Berlin", "when_past": "next_day"}
    scheduled = acme.post(f"{address}/publish", json=plans).json
    assert (scheduled["state"], scheduled["by_local_time"]) == ("scheduled", plans)
    begins = datetime.fromisoformat(hour) - timedelta(hours=14)
    assert scheduled["scheduled_at"] == f"{begins.isoformat()}.000Z", "nine o'clock comes first at UTC+14"
    sent = acme.post(f"{address}/publish").json
    assert (sent["state"], sent["by_local_time"]) == ("planning", None), "now means now"


def test_an_hour_that_came_somewhere_already_begins_at_once(acme, address, goods):
    soon = (datetime.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:00:00")
    begun = acme.post(f"{address}/publish", json={"local_time": soon}).json
    assert (begun["state"], begun["by_local_time"]["when_past"]) == ("planning", "at_once")
    assert Broadcast.get_by_id(goods.broadcast.id).held


@pytest.mark.parametrize(
    ("plans", "field"),
    [
        ({"local_time": "2020-01-01T09:00:00"}, "local_time"),
        ({"local_time": "2030-01-01T09:00:00Z"}, "local_time"),
        ({"local_time": "2030-01-01T09:00:00", "scheduled_at": "2030-01-01T09:00:00Z"}, "local_time"),
        ({"local_time": "2030-01-01T09:00:00", "timezone": "Mars/Base"}, "timezone"),
        ({"local_time": "2030-01-01T09:00:00", "when_past": "never"}, "when_past"),
    ],
)
def test_an_hour_that_makes_no_sense_is_refused(acme, address, fields, plans, field):
    assert fields(acme.post(f"{address}/publish", json=plans)) == [field]


def test_a_test_cannot_go_by_readers_own_hours_too(acme, address, fields):
    acme.patch(address, json={"variants": [variant("A"), variant("B")], "test": TEST})
    refused = acme.post(f"{address}/publish", json={"local_time": "2030-01-01T09:00:00"})
    assert fields(refused) == ["local_time"]


def test_a_copy_is_a_draft_with_the_same_mail(acme, address):
    acme.patch(address, json={"variants": [variant("A"), variant("B")], "test": TEST})
    original = acme.get(address).json
    copy = acme.post(f"{address}/duplicate").json
    assert (copy["state"], copy["name"], copy["test"]) == ("draft", "First (copy)", original["test"])
    assert copy["id"] != original["id"]
    parts = ("name", "weight", "subject", "body", "sender_id")
    shown = [[[each[part] for part in parts] for each in mail["variants"]] for mail in (copy, original)]
    assert shown[0] == shown[1]


def test_a_copy_may_go_to_those_who_did_not_open(acme, address, goods):
    assert acme.post(f"{address}/duplicate", json={"to": "not_opened"}).status_code == 409
    acme.post(f"{address}/publish")
    copy = acme.post(f"{address}/duplicate", json={"to": "not_opened", "name": "Again"}).json
    assert (copy["name"], copy["audience_id"]) == ("Again", goods.ids.audience)
    segment = acme.get(f"/v1/segments/{copy['segment_id']}").json
    assert segment["name"] == f"Did not open {goods.ids.broadcast}"
    again = acme.post(f"{address}/duplicate", json={"to": "not_opened"}).json
    assert again["segment_id"] == copy["segment_id"]


def test_the_report_tells_variants_apart(acme, address, goods):
    acme.patch(address, json={"variants": [variant("A"), variant("B")]})
    assert acme.get(f"{address}/report").json["by_variant"] == []
    assert Variant.select().where(Variant.broadcast == number(goods.ids.broadcast)).count() == 2
