"""Segments over HTTP, and the broadcasts that go to them."""

from datetime import timedelta

import pytest

from sidecars.audiences import contacts
from sidecars.audiences.contacts import ContactFacts
from sidecars.broadcasts.plan import plan
from sidecars.deliverability.suppressions import suppress
from sidecars.models import Contact, Send, now

FROM_KOLN = {"property": "city", "op": "equals", "value": "Köln"}
QUIET = {"all": [FROM_KOLN, {"not": {"engagement": "clicked", "days": 90}}]}


@pytest.fixture
def shop(acme, goods):
    """Acme has five readers from Köln, of whom one left and one is staff, one from Bonn, and Ada."""
    audience = goods.audience
    for name in ("bob", "carla", "dan", "eve", "fritz"):
        contacts.upsert(audience.id, f"{name}@mail.example", ContactFacts(properties={"city": "Köln"}))
    contacts.upsert(audience.id, "gül@mail.example", ContactFacts(properties={"city": "Bonn"}))
    Contact.update(status="unsubscribed", unsubscribed_at=now()).where(
        Contact.audience == audience, Contact.email == "bob@mail.example"
    ).execute()
    contacts.upsert(audience.id, "carla@mail.example", ContactFacts(tags=["staff"]))
    return goods


@pytest.fixture
def quiet(acme, shop):
    made = acme.post(f"/v1/audiences/{shop.ids.audience}/segments", json={"name": "Quiet", "filter": QUIET})
    assert made.status_code == 201
    return made.json


def names(answer):
    return [contact["email"].partition("@")[0] for contact in answer]


def recipients(broadcast_id):
    sends = Send.select(Send.contact_id).where(Send.broadcast_id == int(broadcast_id.removeprefix("bc_")))
    people = Contact.select().where(Contact.id.in_([send.contact_id for send in sends]))
    return {contact.email.partition("@")[0] for contact in people}


def test_a_segment_is_made_read_listed_changed_counted_and_deleted(acme, shop, quiet):
    place = f"/v1/segments/{quiet['id']}"
    assert quiet["description"] == "city is Köln and no click in 90 days"
    assert (quiet["version"], quiet["filter"]) == (1, QUIET)
    assert acme.get(place).json == quiet
    listed = acme.get(f"/v1/audiences/{shop.ids.audience}/segments").json
    assert listed["data"][-1] == quiet
    assert listed["next_cursor"] is None
    counted = acme.get(f"{place}/count").json
    assert (counted["contacts"], counted["subscribed"]) == (5, 4)
    assert acme.get(f"{place}/count").json == counted

    first = acme.get(f"{place}/contacts?limit=3").json
    rest = acme.get(f"{place}/contacts?limit=3&cursor={first['next_cursor']}").json
    assert names(first["data"] + rest["data"]) == ["bob", "carla", "dan", "eve", "fritz"]
    assert rest["next_cursor"] is None

    changed = acme.patch(place, json={"filter": {"tag": "staff"}}).json
    assert (changed["name"], changed["description"]) == ("Quiet", "is tagged staff")
    assert acme.get(f"{place}/count").json["contacts"] == 1
    assert acme.delete(place).status_code == 204
    assert acme.get(place).status_code == 404


def test_a_preview_counts_and_shows_the_first(acme, shop):
    place = f"/v1/audiences/{shop.ids.audience}/segments/preview"
    found = acme.post(place, json={"filter": QUIET, "limit": 2}).json
    assert names(found.pop("people")) == ["bob", "carla"]
    assert found == {"description": "city is Köln and no click in 90 days", "contacts": 5, "subscribed": 4}


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"all": [FROM_KOLN, {"property": "cty", "op": "empty"}]}, "filter.all.1.property"),
        ({"all": [FROM_KOLN | {"value": 7}]}, "filter.all.0.value"),
        ({"tag": "none"}, "filter.tag"),
        ({"recipient_of": "bc_999999"}, "filter.recipient_of"),
        ({}, "filter"),
        ([], "filter"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_place(acme, shop, quiet, fields, given, place):
    whole = f"/v1/audiences/{shop.ids.audience}/segments"
    assert fields(acme.post(whole, json={"name": "New", "filter": given})) == [place]
    assert fields(acme.post(f"{whole}/preview", json={"filter": given})) == [place]
    assert fields(acme.patch(f"/v1/segments/{quiet['id']}", json={"filter": given})) == [place]


def test_a_name_is_given_once(acme, shop, quiet):
    again = acme.post(f"/v1/audiences/{shop.ids.audience}/segments", json={"name": "Quiet", "filter": QUIET})
    assert (again.status_code, again.json["state"]) == (409, "exists")
    renamed = acme.patch(f"/v1/segments/{shop.ids.segment}", json={"name": "Quiet"})
    assert renamed.status_code == 409


def test_another_teams_broadcasts_and_tags_are_not_seen(acme, shop, other, fields):
    theirs = contacts.create_audience(other.team.id, "Theirs")
    place = f"/v1/audiences/aud_{theirs.id}/segments/preview"
    assert fields(other.post(place, json={"filter": {"recipient_of": shop.ids.broadcast}})) == [
        "filter.recipient_of"
    ]
    assert fields(other.post(place, json={"filter": {"tag": "staff"}})) == ["filter.tag"]


def test_a_broadcast_goes_to_a_segment_minus_exclusions_as_foretold(acme, shop, quiet):
    suppress(acme.team.id, "dan@mail.example", "complaint")
    place = f"/v1/broadcasts/{shop.ids.broadcast}"
    changed = acme.patch(place, json={"segment_id": quiet["id"], "exclusions": {"tags": ["staff"]}}).json
    assert changed["segment_id"] == quiet["id"]
    assert changed["exclusions"] == {"segments": [], "tags": ["staff"], "broadcasts": []}
    foretold = acme.get(f"{place}/recipients").json
    assert foretold == {
        "recipients": 2,
        "left_out": {"unsubscribed": 1, "not_in_segment": 2, "excluded": 1, "suppressed": 1},
    }
    assert acme.post(f"{place}/publish", json={}).status_code == 202
    # What changes after publishing changes nobody's place in it.
    acme.patch(f"/v1/segments/{quiet['id']}", json={"filter": {"property": "city", "op": "empty"}})
    plan(shop.broadcast.id)
    assert recipients(shop.ids.broadcast) == {"dan", "eve", "fritz"}  # dan is skipped
    assert acme.get(f"{place}/recipients").status_code == 409


def test_recipients_of_a_broadcast_and_segments_are_left_out_of_the_next(acme, shop, quiet):
    first = f"/v1/broadcasts/{shop.ids.broadcast}"
    acme.patch(first, json={"exclusions": {"segments": [quiet["id"]]}})
    acme.post(f"{first}/publish", json={})
    plan(shop.broadcast.id)
    assert recipients(shop.ids.broadcast) == {"ada", "gül"}
    second = acme.post(
        "/v1/broadcasts",
        json={
            "name": "Second",
            "audience_id": shop.ids.audience,
            "sender_id": shop.ids.sender,
            "exclusions": {"broadcasts": [shop.ids.broadcast]},
            "subject": "Again",
            "body": "<p>Hi</p>",
        },
    ).json
    foretold = acme.get(f"/v1/broadcasts/{second['id']}/recipients").json
    assert foretold == {"recipients": 4, "left_out": {"unsubscribed": 1, "excluded": 2}}
    acme.post(f"/v1/broadcasts/{second['id']}/publish", json={})
    plan(int(second["id"].removeprefix("bc_")))
    assert recipients(second["id"]) == {"carla", "dan", "eve", "fritz"}


def test_a_segment_by_itself_names_its_audience(acme, shop, quiet, fields):
    draft = {"name": "To some", "sender_id": shop.ids.sender}
    made = acme.post("/v1/broadcasts", json=draft | {"segment_id": quiet["id"]}).json
    assert (made["audience_id"], made["segment_id"]) == (shop.ids.audience, quiet["id"])
    assert fields(acme.post("/v1/broadcasts", json=draft)) == [""]
    place = f"/v1/broadcasts/{made['id']}"
    assert acme.patch(place, json={"segment_id": None}).json["segment_id"] is None
    whole = acme.patch(place, json={"exclusions": {}}).json["exclusions"]
    assert whole == {"segments": [], "tags": [], "broadcasts": []}


def test_what_a_broadcast_cannot_go_to_is_refused(acme, shop, quiet, fields):
    elsewhere = contacts.create_audience(acme.team.id, "Elsewhere")
    place = f"/v1/broadcasts/{shop.ids.broadcast}"
    for body, field in (
        ({"segment_id": "seg_999999"}, "segment_id"),
        ({"segment_id": quiet["id"], "audience_id": f"aud_{elsewhere.id}"}, "segment_id"),
        ({"exclusions": {"segments": ["seg_999999"]}}, "exclusions.segments.0"),
        ({"exclusions": {"tags": ["staff", "nobody"]}}, "exclusions.tags.1"),
        ({"exclusions": {"broadcasts": ["bc_999999"]}}, "exclusions.broadcasts.0"),
        ({"exclusions": {"tags": "staff"}}, "exclusions.tags"),
    ):
        assert fields(acme.patch(place, json=body)) == [field]
    acme.patch(place, json={"segment_id": quiet["id"]})
    assert fields(acme.patch(place, json={"audience_id": f"aud_{elsewhere.id}"})) == ["segment_id"]
    moved = acme.patch(place, json={"audience_id": f"aud_{elsewhere.id}", "segment_id": None})
    assert moved.json["audience_id"] == f"aud_{elsewhere.id}"


@pytest.mark.parametrize("use", ["segment_id", "exclusions"])
def test_a_segment_that_a_waiting_broadcast_needs_is_not_deleted(acme, shop, quiet, use):
    place = f"/v1/broadcasts/{shop.ids.broadcast}"
    acme.patch(place, json={use: quiet["id"] if use == "segment_id" else {"segments": [quiet["id"]]}})
    soon = (now() + timedelta(hours=1)).isoformat()
    assert acme.post(f"{place}/publish", json={"scheduled_at": soon}).status_code == 202
    refused = acme.delete(f"/v1/segments/{quiet['id']}")
    assert refused.status_code == 409
    assert refused.json["used_by"] == [{"id": shop.ids.broadcast, "name": "First", "state": "scheduled"}]
    assert "“First” (scheduled)" in refused.json["message"]

    acme.post(f"{place}/unschedule", json={})
    assert acme.delete(f"/v1/segments/{quiet['id']}").status_code == 409
    acme.post(f"{place}/publish", json={})
    assert acme.delete(f"/v1/segments/{quiet['id']}").status_code == 204
    plan(shop.broadcast.id)
    expected = {"carla", "dan", "eve", "fritz"} if use == "segment_id" else {"ada", "gül"}
    assert recipients(shop.ids.broadcast) == expected
    sent = acme.get(place).json
    assert (sent["segment_id"], sent["exclusions"]["segments"]) == (None, [])
