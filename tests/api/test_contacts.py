"""/v1/audiences/{id}/contacts and /v1/contacts."""

import pytest


@pytest.fixture
def address(goods):
    return f"/v1/audiences/{goods.ids.audience}/contacts"


def test_a_contact_is_added_then_changed(acme, address):
    body = {
        "email": "Bob@Mail.example",
        "first_name": " Bob ",
        "properties": {"city": "Köln", "visits": 3, "member": True, "likes": ["tea"], "none": None},
        "tags": ["vip", "vip"],
    }
    made = acme.post(address, json=body)
    assert made.status_code == 201
    assert made.json["email"] == "bob@mail.example"
    assert made.json["first_name"] == "Bob"
    assert made.json["properties"] == {"city": "Köln", "visits": 3, "member": True, "likes": ["tea"]}
    assert made.json["tags"] == ["vip"]
    assert made.json["status"] == "subscribed"
    again = acme.post(address, json={"email": "bob@mail.example", "last_name": "Builder"})
    assert again.status_code == 200
    assert again.json["id"] == made.json["id"]
    assert (again.json["first_name"], again.json["last_name"]) == ("Bob", "Builder")
    assert again.json["properties"] == made.json["properties"]
    assert acme.get(f"/v1/contacts/{made.json['id']}").json == again.json


def test_moments_are_utc_with_milliseconds(acme, goods):
    contact = acme.get(f"/v1/contacts/{goods.ids.contact}").json
    for field in ("subscribed_at", "created_at", "updated_at"):
        assert len(contact[field]) == len("2026-11-24T10:15:30.125Z")
        assert contact[field].endswith("Z")
    assert contact["unsubscribed_at"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": 3}, "email"),
        ({"email": "a@b.example", "first_name": 3}, "first_name"),
        ({"email": "a@b.example", "first_name": "a\r\nBcc: x@y.example"}, "first_name"),
        ({"email": "a@b.example", "last_name": "x" * 121}, "last_name"),
        ({"email": "a@b.example", "status": "maybe"}, "status"),
        ({"email": "a@b.example", "tags": ["ok", ""]}, "tags.1"),
        ({"email": "a@b.example", "tags": "vip"}, "tags"),
        ({"email": "a@b.example", "properties": []}, "properties"),
        ({"email": "a@b.example", "properties": {"a": {"b": 1}}}, "properties.a"),
        ({"email": "a@b.example", "properties": {"a": [1]}}, "properties.a"),
        ({"email": "a@b.example", "properties": {"a": 1e300}}, "properties.a"),
        ({"email": "a@b.example", "properties": {"a": "x" * 2001}}, "properties.a"),
        ({"email": "a@b.example", "properties": {"No Word": 1}}, "properties.No Word"),
        ({"email": "a@b.example", "id": 7}, "id"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(acme, address, fields, body, field):
    assert fields(acme.post(address, json=body)) == [field]


def test_everything_wrong_is_told_at_once(acme, address, fields):
    found = fields(acme.post(address, json={"email": "nobody", "tags": [1, "ok", 2], "status": 1, "x": 1}))
    assert sorted(found) == ["email", "status", "tags.0", "tags.2", "x"]


def test_nesting_without_end_is_refused(acme, address, fields):
    deep = '{"email": "a@b.example", "properties": {"a": ' + "[" * 900 + "]" * 900 + "}}"
    assert fields(acme.post(address, data=deep, content_type="application/json")) == ["properties.a"]


def test_a_property_keeps_its_kind(acme, address, fields):
    acme.post(address, json={"email": "a@b.example", "properties": {"age": 36}})
    response = acme.post(address, json={"email": "c@d.example", "properties": {"age": "old"}})
    assert fields(response) == ["properties.age"]
    assert acme.get(address + "?email=c@d.example").json["data"] == []


def test_adding_again_does_not_subscribe_who_left(acme, address, goods):
    acme.patch(f"/v1/contacts/{goods.ids.contact}", json={"status": "unsubscribed"})
    again = acme.post(address, json={"email": goods.contact.email, "status": "subscribed"}).json
    assert again["status"] == "unsubscribed"
    assert again["unsubscribed_at"] is not None
    asked = acme.patch(f"/v1/contacts/{goods.ids.contact}", json={"status": "subscribed"}).json
    assert asked["status"] == "subscribed"


def test_a_change_changes_what_it_names_alone(acme, goods):
    acme.patch(f"/v1/contacts/{goods.ids.contact}", json={"properties": {"a": 1, "b": 2}, "tags": ["x"]})
    changed = acme.patch(
        f"/v1/contacts/{goods.ids.contact}", json={"properties": {"a": None}, "last_name": ""}
    )
    assert changed.json["properties"] == {"b": 2}
    assert (changed.json["first_name"], changed.json["last_name"]) == ("Ada", "")
    assert changed.json["tags"] == ["x"]


def test_an_address_is_not_changed(acme, goods, fields):
    assert fields(acme.patch(f"/v1/contacts/{goods.ids.contact}", json={"email": "new@mail.example"})) == [
        "email"
    ]


def test_a_contact_is_found_by_address(acme, address, goods):
    acme.post(address, json={"email": "bob@mail.example"})
    found = acme.get(address, query_string={"email": "ADA@mail.example"}).json
    assert [contact["id"] for contact in found["data"]] == [goods.ids.contact]
    assert found["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("limit=501", "limit"), ("email=x", "email")]
)
def test_a_query_is_held_to_its_bounds(acme, address, fields, query, field):
    assert fields(acme.get(f"{address}?{query}")) == [field]


def test_pages_cover_all(acme, address):
    for n in range(6):
        acme.post(address, json={"email": f"p{n}@mail.example"})
    first = acme.get(f"{address}?limit=4").json
    rest = acme.get(f"{address}?limit=4&cursor={first['next_cursor']}").json
    assert len(first["data"] + rest["data"]) == 7
    assert rest["next_cursor"] is None


def test_contacts_are_searched_filtered_and_sorted(acme, address):
    for n, name in enumerate(("Ada", "Bob", "Ann")):
        body = {
            "email": f"{name}{n}@mail.example",
            "first_name": name,
            "properties": {"n": n, "even": n % 2 == 0},
        }
        acme.post(address, json=body)

    def found(**query):
        found, cursor = [], {}
        while cursor is not None:
            page = acme.get(address, query_string=query | {"limit": 1} | cursor).json
            found += [contact["email"].partition("@")[0] for contact in page["data"]]
            cursor = page["next_cursor"] and {"cursor": page["next_cursor"]}
        return found

    assert found(search="an") == ["ann2"]
    assert found(search="love") == ["ada"]
    assert found(sort="-email") == ["bob1", "ann2", "ada", "ada0"]
    assert found(property=["n", "even:true"], sort="-created") == ["ann2", "ada0"]
    assert found(property="n:1", created_from="2026-01-01T00:00:00Z") == ["bob1"]
    assert found(updated_before="2026-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=name", "sort"),
        ("sort=email&search=a", "sort"),
        ("status=gone", "status"),
        ("property=age:7", "property"),
        ("created_from=yesterday", "created_from"),
        ("cursor=WyJlbWFpbCIsMCwieCJd", "cursor"),
    ],
)
def test_what_cannot_be_listed_is_told_by_its_place(acme, address, fields, query, field):
    assert fields(acme.get(f"{address}?{query}")) == [field]


def test_a_deleted_contact_is_gone(acme, goods, address):
    assert acme.delete(f"/v1/contacts/{goods.ids.contact}").status_code == 204
    assert acme.get(f"/v1/contacts/{goods.ids.contact}").status_code == 404
    assert acme.get(address).json["data"] == []
