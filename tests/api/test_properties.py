"""/v1/audiences/{id}/properties."""

import pytest

from sidecars.audiences import property_changes


@pytest.fixture
def place(goods):
    return f"/v1/audiences/{goods.ids.audience}"


def test_a_property_is_declared_renamed_and_deleted_with_its_values(acme, goods, place, monkeypatch):
    monkeypatch.setattr(property_changes, "CHUNK", 2)
    address = f"{place}/properties"
    made = acme.post(address, json={"name": "born", "kind": "date"})
    assert (made.status_code, made.json["kind"]) == (201, "date")
    assert acme.post(address, json={"name": "born", "kind": "date"}).status_code == 200
    assert acme.post(address, json={"name": "born", "kind": "text"}).status_code == 409
    people = [{"email": f"p{n}@mail.example", "properties": {"born": f"2000-01-0{n + 1}"}} for n in range(5)]
    people[4]["properties"] = {"city": "London"}
    told = acme.post(f"{place}/contacts/batch", json={"contacts": people}).json["data"]

    assert acme.patch(f"{address}/born", json={"name": "city"}).status_code == 409
    assert acme.patch(f"{address}/born", json={"name": "birthday"}).json["name"] == "birthday"
    assert acme.get(f"/v1/contacts/{told[0]['id']}").json["properties"] == {"birthday": "2000-01-01"}
    tried = acme.delete(f"{address}/birthday?dry_run=true")
    assert tried.json == {"name": "birthday", "contacts": 4, "deleted": False}
    assert acme.delete(f"{address}/birthday").json == {"name": "birthday", "contacts": 4, "deleted": True}
    assert acme.delete(f"{address}/birthday").status_code == 404
    assert acme.get(f"/v1/contacts/{told[0]['id']}").json["properties"] == {}
    assert acme.get(f"/v1/contacts/{told[4]['id']}").json["properties"] == {"city": "London"}
    assert [row["name"] for row in acme.get(address).json["data"]] == ["city"]


@pytest.mark.parametrize("name", ["", "Two Words", "Ünï", "x" * 65, 'a"b'])
def test_a_name_is_a_word(acme, place, fields, name):
    assert fields(acme.post(f"{place}/properties", json={"name": name, "kind": "text"})) == ["name"]
