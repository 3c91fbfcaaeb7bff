"""Templates and layouts: versions, previews, tests, and broadcasts that are made from them."""

import pytest
import requests

from sidecars.api.ids import number
from sidecars.edge.records import write_domain
from sidecars.models import Content, Variant
from tests.support import wait_for

LETTER = {
    "name": "Letter",
    "subject": "Hello {{ contact.first_name | default: 'friend' }}",
    "body": '<p>News for {{ contact.first_name }}</p><p><img src="https://acme.example/a.png"></p>',
}
FRAME = {
    "name": "Frame",
    "body": '<h1>Acme</h1>{{ content }}<p><a href="{{ unsubscribe_url }}">Leave</a></p>',
}


@pytest.fixture
def layout(acme):
    return acme.post("/v1/layouts", json=FRAME).json


@pytest.fixture
def template(acme, layout):
    return acme.post("/v1/templates", json=LETTER | {"layout_id": layout["id"]}).json


def test_a_save_is_a_version_and_any_can_come_back(acme, template):
    address = f"/v1/templates/{template['id']}"
    acme.patch(address, json={"subject": "Second", "body": "<p>two</p>\r\n<p>lines</p>"})
    acme.patch(address, json={"name": "Renamed", "subject": "Second"})
    saved = acme.get(address).json
    assert (saved["version"], saved["name"], saved["subject"]) == (2, "Renamed", "Second")
    assert saved["body"] == "<p>two</p>\n<p>lines</p>"
    restored = acme.post(f"{address}/versions/1/restore").json
    assert (restored["version"], restored["subject"]) == (3, LETTER["subject"])
    listed = acme.get(f"{address}/versions?limit=2").json
    assert [(each["number"], each["changed"]) for each in listed["data"]] == [
        (3, ["subject", "body"]),
        (2, ["subject", "body"]),
    ]
    assert listed["data"][0]["restored_from"] == 1
    assert listed["data"][0]["broadcasts"] == []
    [first] = acme.get(f"{address}/versions?cursor={listed['next_cursor']}").json["data"]
    assert first["number"] == 1
    assert acme.get(f"{address}/versions/2").json["subject"] == "Second"
    assert acme.get(f"{address}/versions/9").status_code == 404


def test_a_layout_is_saved_in_versions_too(acme, layout):
    address = f"/v1/layouts/{layout['id']}"
    acme.patch(address, json={"body": "<b>{{ content }}</b>"})
    assert [each["number"] for each in acme.get(f"{address}/versions").json["data"]] == [2, 1]
    assert acme.get(f"{address}/versions/1").json["body"] == FRAME["body"]
    assert acme.post(f"{address}/versions/1/restore").json["body"] == FRAME["body"]
    assert acme.get("/v1/layouts").json["data"][0]["version"] == 3


def test_a_preview_shows_the_mail_in_its_layout_with_size_and_warnings(acme, template, goods):
    shown = acme.post(f"/v1/templates/{template['id']}/preview", json={"contact_id": goods.ids.contact}).json
    assert shown["subject"] == "Hello Ada"
    assert shown["html"].index("Acme") < shown["html"].index("News for Ada") < shown["html"].index("Leave")
    assert "News for Ada" in shown["text"]
    assert shown["html_bytes"] == len(shown["html"].encode())
    told = " ".join(each["message"] for each in shown["warnings"])
    assert "no alt text" in told
    assert "preheader" in told
    assert "unsubscribes" not in told
    assert [each["where"] for each in shown["warnings"] if "gap" in each["message"]] == ["contact.first_name"]
    acme.patch(f"/v1/templates/{template['id']}", json={"layout_id": None})
    bare = acme.post(f"/v1/templates/{template['id']}/preview").json
    assert "no link that unsubscribes" in " ".join(each["message"] for each in bare["warnings"])
    before = acme.post(f"/v1/templates/{template['id']}/preview", json={"version": 1}).json
    assert "Leave" in before["html"]


def test_what_is_wrong_is_told_by_place_and_line(acme, template, layout, fields):
    address = f"/v1/templates/{template['id']}"
    acme.patch(address, json={"body": "<p>\n{{ contact.nickname }}</p>"})
    response = acme.post(f"{address}/preview")
    assert fields(response) == ["body"]
    assert "Line 2" in response.json["message"]
    acme.patch(address, json={"body": "<p>fine</p>"})
    acme.patch(f"/v1/layouts/{layout['id']}", json={"body": "{{ content }}\n{{ nonsense }}"})
    response = acme.post(f"{address}/preview")
    assert fields(response) == ["layout"]
    assert "Line 2" in response.json["message"]


def test_a_layout_and_what_goes_into_it_are_of_one_kind(acme, template, layout, fields):
    mjml = "<mjml><mj-body>{{ content }}</mj-body></mjml>"
    other = acme.post("/v1/layouts", json={"name": "M", "kind": "mjml", "body": mjml}).json["id"]
    assert fields(acme.post("/v1/templates", json=LETTER | {"layout_id": other})) == ["kind"]
    assert fields(acme.patch(f"/v1/templates/{template['id']}", json={"kind": "mjml"})) == ["kind"]
    in_use = acme.patch(f"/v1/layouts/{layout['id']}", json={"kind": "mjml", "body": mjml})
    assert (in_use.status_code, in_use.json["state"]) == (409, "in_use")
    assert "“Letter”" in in_use.json["message"]
    assert acme.delete(f"/v1/layouts/{layout['id']}").status_code == 409
    assert acme.delete(f"/v1/templates/{template['id']}").status_code == 204
    assert acme.delete(f"/v1/layouts/{layout['id']}").status_code == 204
    assert fields(acme.post("/v1/templates", json=LETTER | {"layout_id": layout["id"]})) == ["layout_id"]
    assert fields(acme.post("/v1/layouts", json={"name": "N", "body": "<p></p>"})) == ["body"]


def test_a_broadcast_keeps_the_version_that_it_was_made_from(acme, template, layout, goods, fields):
    made = acme.patch(
        f"/v1/broadcasts/{goods.ids.broadcast}",
        json={"template_id": template["id"], "preheader": "Read on"},
    ).json["variants"][0]
    assert (made["template_id"], made["template_version"]) == (template["id"], 1)
    assert (made["subject"], made["preheader"]) == (LETTER["subject"], "Read on")
    assert "Acme" in made["body"]
    acme.patch(f"/v1/templates/{template['id']}", json={"body": "<p>Later</p>"})
    acme.patch(f"/v1/layouts/{layout['id']}", json={"body": "<h1>Later</h1>{{ content }}"})
    kept = acme.get(f"/v1/broadcasts/{goods.ids.broadcast}").json["variants"][0]
    assert "Later" not in kept["body"]
    versions = acme.get(f"/v1/templates/{template['id']}/versions").json["data"]
    assert [(each["number"], each["broadcasts"]) for each in versions] == [
        (2, []),
        (1, [goods.ids.broadcast]),
    ]
    assert acme.post(f"/v1/broadcasts/{goods.ids.broadcast}/publish").status_code == 202
    variant = Variant.get(Variant.broadcast == goods.broadcast)
    assert "News for" in Content.get_by_id(variant.content_id).prepared["html"]
    # Two variants, each of a version of its own.
    both = [
        {"weight": 50, "template_id": template["id"], "template_version": 1},
        {"weight": 50, "template_id": template["id"], "subject": "Other"},
    ]
    ids = {"audience_id": goods.ids.audience, "sender_id": goods.ids.sender}
    two = acme.post("/v1/broadcasts", json={"name": "Two", **ids, "variants": both}).json["variants"]
    assert [(each["template_version"], each["subject"]) for each in two] == [
        (1, LETTER["subject"]),
        (2, "Other"),
    ]
    for wrong, field in (
        ({"template_id": "tmp_999999"}, "template_id"),
        ({"template_id": template["id"], "template_version": 3}, "template_version"),
        ({"template_version": 1}, "template_version"),
        ({"template_id": template["id"], "body": "<p></p>"}, "body"),
        ({"variants": [both[0], both[1] | {"template_id": "tmp_999999"}]}, "variants.1.template_id"),
    ):
        assert fields(acme.post("/v1/broadcasts", json={"name": "X", **ids, **wrong})) == [field]


def test_another_teams_layout_template_and_sender_are_not_ours(acme, other, template, layout, goods, fields):
    assert fields(other.post("/v1/templates", json=LETTER | {"layout_id": layout["id"]})) == ["layout_id"]
    theirs = other.post("/v1/templates", json=LETTER).json["id"]
    test = {"addresses": ["me@acme.example"], "sender_id": goods.ids.sender}
    assert fields(other.post(f"/v1/templates/{theirs}/test-send", json=test)) == ["sender_id"]
    preview = other.post(f"/v1/templates/{theirs}/preview", json={"contact_id": goods.ids.contact})
    assert fields(preview) == ["contact_id"]


def test_a_test_arrives_in_its_layout(acme, template, goods, stack):
    stack.start_processes("simulator", "webhook", "smtp")
    write_domain(goods.domain.id)
    to = f"template-{number(template['id'])}@inbox.example"
    sent = acme.post(
        f"/v1/templates/{template['id']}/test-send",
        json={"addresses": [to], "sender_id": goods.ids.sender},
    ).json["data"]
    assert [each["status"] for each in sent] == ["accepted"]
    receipts = f"http://127.0.0.1:{stack.ports['simulator_http']}/receipts.ndjson"
    wait_for(lambda: to in requests.get(receipts, timeout=10).text)
