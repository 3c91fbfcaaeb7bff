"""/v1/broadcasts: written, read and changed."""

import pytest

from sidecars.api.ids import number
from sidecars.models import Broadcast, Content, Variant


@pytest.fixture
def body(goods):
    return {
        "name": "Spring",
        "audience_id": goods.ids.audience,
        "sender_id": goods.ids.sender,
        "subject": "Spring is here",
        "body": "<p>Hello</p>",
    }


@pytest.fixture
def two_variants():
    return [
        {"name": "A", "weight": 60, "subject": "One", "body": "<p>1</p>"},
        {"name": "B", "weight": 40, "subject": "Two", "body": "<p>2</p>", "kind": "mjml", "text": "2"},
    ]


def test_a_draft_is_written_and_read(acme, body):
    made = acme.post("/v1/broadcasts", json=body)
    assert made.status_code == 201
    draft = made.json
    assert (draft["state"], draft["planned_total"], draft["published_at"]) == ("draft", 0, None)
    assert (draft["track_opens"], draft["track_clicks"]) == (True, True)
    assert draft["variants"] == [
        {
            "id": draft["variants"][0]["id"],
            "name": "",
            "weight": 100,
            "sender_id": None,
            "kind": "html",
            "subject": "Spring is here",
            "preheader": "",
            "body": "<p>Hello</p>",
            "text": None,
            "template_id": None,
            "template_version": None,
        }
    ]
    assert acme.get(f"/v1/broadcasts/{draft['id']}").json == draft


def test_a_draft_may_be_unfinished(acme, body):
    del body["subject"], body["body"]
    assert acme.post("/v1/broadcasts", json=body).status_code == 201


def test_a_change_changes_what_it_names_alone(acme, body):
    draft = acme.post("/v1/broadcasts", json=body | {"text": "Hello"}).json
    changed = acme.patch(f"/v1/broadcasts/{draft['id']}", json={"subject": "New", "track_opens": False}).json
    assert changed["variants"][0]["subject"] == "New"
    assert changed["variants"][0]["body"] == "<p>Hello</p>"
    assert changed["variants"][0]["text"] == "Hello"
    assert (changed["track_opens"], changed["track_clicks"], changed["name"]) == (False, True, "Spring")
    assert (
        acme.patch(f"/v1/broadcasts/{draft['id']}", json={"text": None}).json["variants"][0]["text"] is None
    )
    same = acme.patch(f"/v1/broadcasts/{draft['id']}", json={}).json
    assert same["variants"][0]["subject"] == "New"


def test_variants_are_kept_in_order_and_replaced_as_a_whole(acme, body, two_variants):
    del body["subject"], body["body"]
    draft = acme.post("/v1/broadcasts", json=body | {"variants": two_variants}).json
    assert [(each["name"], each["weight"], each["kind"]) for each in draft["variants"]] == [
        ("A", 60, "html"),
        ("B", 40, "mjml"),
    ]
    two_variants.reverse()
    changed = acme.patch(f"/v1/broadcasts/{draft['id']}", json={"variants": two_variants}).json
    assert [each["name"] for each in changed["variants"]] == ["B", "A"]
    assert Variant.select().where(Variant.broadcast == number(draft["id"])).count() == 2
    old = [number(each["id"]) for each in draft["variants"]]
    assert not Variant.select().where(Variant.id.in_(old)).exists()


def test_replaced_contents_are_not_left_behind(acme, body):
    draft = acme.post("/v1/broadcasts", json=body).json
    before = Content.select().where(Content.team == acme.team).count()
    acme.patch(f"/v1/broadcasts/{draft['id']}", json={"subject": "New"})
    assert Content.select().where(Content.team == acme.team).count() == before


def test_one_mail_and_variants_do_not_mix(acme, body, two_variants, fields):
    assert fields(acme.post("/v1/broadcasts", json=body | {"variants": two_variants})) == ["subject"]
    del body["subject"], body["body"]
    draft = acme.post("/v1/broadcasts", json=body | {"variants": two_variants}).json
    response = acme.patch(f"/v1/broadcasts/{draft['id']}", json={"body": "<p>x</p>"})
    assert fields(response) == ["body"]
    assert "variants" in response.json["message"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"audience_id": "1"}, "audience_id"),
        ({"audience_id": 999_999_999}, "audience_id"),
        ({"sender_id": 999_999_999}, "sender_id"),
        ({"sender_id": 10**30}, "sender_id"),
        ({"subject": "two\nlines"}, "subject"),
        ({"subject": "x" * 999}, "subject"),
        ({"kind": "pdf"}, "kind"),
        ({"body": 3}, "body"),
        ({"body": "x" * 1_000_001}, "body"),
        ({"track_opens": "yes"}, "track_opens"),
        ({"state": "sent"}, "state"),
        ({"variants": []}, "variants"),
        ({"variants": [{"weight": 50}, {"weight": 0}]}, "variants.1.weight"),
        ({"variants": [{"weight": 50}, {"weight": 50, "colour": 1}]}, "variants.1.colour"),
        ({"variants": [{}, {"weight": 101}]}, "variants.0.weight"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(acme, body, fields, change, field):
    assert fields(acme.post("/v1/broadcasts", json=body | change))[0] == field


def test_another_teams_audience_and_sender_are_unknown(other, body, fields):
    assert fields(other.post("/v1/broadcasts", json=body)) == ["audience_id"]


def test_what_is_on_its_way_is_not_changed(acme, goods):
    Broadcast.update(state="sending").where(Broadcast.id == goods.broadcast.id).execute()
    response = acme.patch(f"/v1/broadcasts/{goods.ids.broadcast}", json={"name": "New"})
    assert response.status_code == 409
    assert response.json["state"] == "sending"
    assert acme.get(f"/v1/broadcasts/{goods.ids.broadcast}").json["name"] == "First"


def test_the_latest_come_first(acme, body):
    made = [acme.post("/v1/broadcasts", json=body | {"name": f"B{n}"}).json["id"] for n in range(3)]
    first = acme.get("/v1/broadcasts?limit=2").json
    assert [each["id"] for each in first["data"]] == made[:0:-1]
    rest = acme.get(f"/v1/broadcasts?limit=2&cursor={first['next_cursor']}").json
    assert rest["data"][0]["id"] == made[0]
    assert "variants" not in first["data"][0]
