"""/v1/audiences/{id}/contacts/batch and tags of contacts."""

import pytest


@pytest.fixture
def address(goods):
    return f"/v1/audiences/{goods.ids.audience}/contacts"


def test_each_of_a_batch_is_taken_or_refused_for_itself(acme, goods, address):
    acme.patch(f"/v1/contacts/{goods.ids.contact}", json={"properties": {"age": 36}, "tags": ["old"]})
    given = [
        {"email": "Bob@mail.example", "first_name": "Bob", "tags": ["vip"], "properties": {"age": 40}},
        {"email": "nobody"},
        {"email": "ada@mail.example", "tags": ["vip"], "properties": {"city": "London"}},
        {"email": "eve@mail.example", "properties": {"age": "old"}},
        {"email": "eve@mail.example", "surprise": 1, "first_name": 3},
        "eve@mail.example",
        {"email": "bob@mail.example", "last_name": "Builder", "status": "unsubscribed"},
    ]
    answer = acme.post(f"{address}/batch", json={"contacts": given})
    assert answer.status_code == 200
    told = answer.json
    assert (told["created"], told["updated"], told["refused"]) == (1, 2, 4)
    assert [line["index"] for line in told["data"]] == list(range(7))
    outcomes = [line["outcome"] for line in told["data"]]
    assert outcomes == ["created", "refused", "updated", "refused", "refused", "refused", "updated"]
    fields = [sorted(error["field"] for error in line["errors"]) for line in told["data"]]
    assert fields == [[], ["email"], [], ["properties.age"], ["first_name", "surprise"], [""], []]

    bob = acme.get(f"/v1/contacts/{told['data'][0]['id']}").json
    assert told["data"][6]["id"] == bob["id"]
    assert (bob["first_name"], bob["last_name"], bob["status"]) == ("Bob", "Builder", "unsubscribed")
    assert bob["tags"] == ["vip"]
    ada = acme.get(f"/v1/contacts/{goods.ids.contact}").json
    assert ada["tags"] == ["vip"]
    assert ada["properties"] == {"age": 36, "city": "London"}
    assert acme.get(f"{address}?email=eve@mail.example").json["data"] == []


def test_a_batch_has_one_to_a_thousand(acme, address, fields):
    for given in ([], [{"email": "a@b.example"}] * 1001, {}, None):
        assert fields(acme.post(f"{address}/batch", json={"contacts": given})) == ["contacts"]
    people = [{"email": f"p{n}@mail.example", "properties": {"n": n}} for n in range(1000)]
    assert acme.post(f"{address}/batch", json={"contacts": people}).json["created"] == 1000
    assert acme.post(f"{address}/batch", json={"contacts": people}).json["updated"] == 1000


def test_tags_go_on_and_off_one_and_many(acme, other, goods, address):
    ids = [
        line["id"]
        for line in acme.post(
            f"{address}/batch", json={"contacts": [{"email": f"p{n}@mail.example"} for n in range(3)]}
        ).json["data"]
    ]
    one = acme.post(f"/v1/contacts/{ids[0]}/tags", json={"add": ["vip", "new"], "remove": ["none"]})
    assert one.json["tags"] == ["new", "vip"]
    many = acme.post(
        f"{address}/tags", json={"contacts": [*ids, "con_999999999"], "add": ["VIP"], "remove": ["new"]}
    )
    assert many.json == {"added": 2, "removed": 1, "unknown": ["con_999999999"]}
    listed = acme.get(f"{address}?tag=vip&status=subscribed").json["data"]
    assert [contact["id"] for contact in listed] == ids

    (tag,) = (
        tag for tag in acme.get(f"/v1/audiences/{goods.ids.audience}/tags").json["data"] if tag["contacts"]
    )
    place = f"/v1/audiences/{goods.ids.audience}/tags/{tag['id']}"
    assert other.patch(place, json={"name": "x"}).status_code == 404
    assert acme.patch(place, json={"name": "new"}).status_code == 409
    assert acme.patch(place, json={"name": "best"}).json == tag | {"name": "best"}
    assert acme.delete(place).status_code == 204
    assert acme.get(f"/v1/contacts/{ids[0]}").json["tags"] == []
