"""/v1/audiences and tags."""

import pytest


def test_an_audience_is_made_and_read(acme):
    made = acme.post("/v1/audiences", json={"name": "  Readers "})
    assert made.status_code == 201
    assert made.json["name"] == "Readers"
    assert made.json["contacts"] == {}
    assert acme.get(f"/v1/audiences/{made.json['id']}").json == made.json


def test_a_name_is_taken_once_a_team(acme, other):
    acme.post("/v1/audiences", json={"name": "Readers"})
    again = acme.post("/v1/audiences", json={"name": "readers"})
    assert (again.status_code, again.json["state"]) == (409, "exists")
    assert other.post("/v1/audiences", json={"name": "Readers"}).status_code == 201


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "two\nlines", "nul\0", 3, None, ["x"], "\ud800"])
def test_a_name_is_one_line(acme, fields, name):
    body = '{"name": "\\ud800"}' if name == "\ud800" else None
    response = (
        acme.post("/v1/audiences", data=body, content_type="application/json")
        if body
        else acme.post("/v1/audiences", json={"name": name})
    )
    assert fields(response) in (["name"], [""])


def test_what_readers_see_of_it_is_changed_field_by_field(acme, goods, fields):
    address = f"/v1/audiences/{goods.ids.audience}"
    assert acme.get(address).json["locale"] == ""
    seen = {"public_name": "Our letter", "description": "Every Friday.", "is_open": True, "locale": "pt-BR"}
    assert acme.patch(address, json=seen | {"locale": "pt_BR"}).json == acme.get(address).json
    assert acme.get(address).json.items() >= seen.items()
    assert acme.patch(address, json={"description": ""}).json.items() >= (seen | {"description": ""}).items()
    assert acme.patch(address, json={}).status_code == 200
    for field, value in (
        *(("name", ""), ("public_name", "two\nlines"), ("description", "x" * 501)),
        *(("is_open", 1), ("locale", "Deutsch"), ("locale", "de\r\nBcc: x")),
    ):
        assert fields(acme.patch(address, json={field: value})) == [field]
    acme.post("/v1/audiences", json={"name": "Taken"})
    assert acme.patch(address, json={"name": "taken"}).status_code == 409


def test_pages_cover_all_and_end(acme, other):
    made = [acme.post("/v1/audiences", json={"name": f"A{n}"}).json["id"] for n in range(5)]
    other.post("/v1/audiences", json={"name": "Theirs"})
    seen, cursor = [], {}
    while cursor is not None:
        answer = acme.get("/v1/audiences", query_string={"limit": 2} | cursor).json
        assert len(answer["data"]) <= 2
        seen += [each["id"] for each in answer["data"]]
        cursor = answer["next_cursor"] and {"cursor": answer["next_cursor"]}
    assert seen == made


def test_contacts_are_counted_by_status(acme, goods):
    acme.patch(f"/v1/contacts/{goods.ids.contact}", json={"status": "unsubscribed"})
    acme.post(f"/v1/audiences/{goods.ids.audience}/contacts", json={"email": "bob@mail.example"})
    counted = {"subscribed": 1, "unsubscribed": 1}
    assert acme.get(f"/v1/audiences/{goods.ids.audience}").json["contacts"] == counted
    assert acme.get("/v1/audiences").json["data"][0]["contacts"] == counted


def test_tags_are_made_once_and_counted(acme, goods):
    address = f"/v1/audiences/{goods.ids.audience}/tags"
    made = acme.post(address, json={"name": "vip"})
    assert (made.status_code, made.json["contacts"]) == (201, 0)
    acme.patch(f"/v1/contacts/{goods.ids.contact}", json={"tags": ["vip", "new"]})
    again = acme.post(address, json={"name": "vip"})
    assert (again.status_code, again.json["id"], again.json["contacts"]) == (200, made.json["id"], 1)
    assert [tag["name"] for tag in acme.get(address).json["data"]] == ["new", "vip"]


def test_properties_are_told_with_their_kinds(acme, goods):
    acme.patch(f"/v1/contacts/{goods.ids.contact}", json={"properties": {"age": 36, "likes": ["tea"]}})
    answer = acme.get(f"/v1/audiences/{goods.ids.audience}").json
    assert answer["properties"] == {"age": "number", "likes": "list"}
