"""Contacts given out through the API, and the file that a worker writes."""

import csv
import io
import json

import pytest
import requests

from sidecars.fanout.app import huey


@pytest.fixture
def audience(acme, goods):
    place = f"/v1/audiences/{goods.ids.audience}"
    acme.post(f"{place}/contacts", json={"email": "bob@mail.example", "tags": ["vip"]})
    acme.post(f"{place}/contacts", json={"email": "eve@mail.example", "status": "unsubscribed"})
    return place


def work():
    """Does what waits in the fan-out's queue, as its worker would."""
    while task := huey.dequeue():
        if task.name == "ExportContacts":
            huey.execute(task)


def test_contacts_are_streamed_as_csv_and_as_json(acme, audience):
    response = acme.get(f"{audience}/contacts.csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "contacts.csv" in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert [row["email"] for row in rows] == ["ada@mail.example", "bob@mail.example", "eve@mail.example"]
    lines = acme.get(f"{audience}/contacts.ndjson?status=subscribed&tag=vip").get_data(as_text=True)
    assert [json.loads(line)["email"] for line in lines.splitlines()] == ["bob@mail.example"]


def test_whom_nobody_can_be_is_told(acme, audience, fields):
    assert fields(acme.get(f"{audience}/contacts.csv?status=asleep")) == ["status"]
    assert fields(acme.post(f"{audience}/exports", json={"format": "xls"})) == ["format"]


def test_a_worker_writes_a_file_that_a_link_leads_to(acme, audience):
    taken = acme.post(f"{audience}/exports", json={"format": "ndjson", "status": "unsubscribed"})
    assert (taken.status_code, taken.json["state"], taken.json["url"]) == (202, "queued", None)
    work()
    done = acme.get(f"/v1/exports/{taken.json['id']}").json
    assert (done["state"], done["rows_done"], done["status"]) == ("finished", 1, "unsubscribed")
    got = requests.get(done["url"], timeout=60)
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert json.loads(got.content)["email"] == "eve@mail.example"
    assert len(got.content) == done["bytes_total"]
    ended = acme.post(f"/v1/exports/{done['id']}/cancel")
    assert (ended.status_code, ended.json["state"]) == (409, "finished")

    second = acme.post(f"{audience}/exports", json={}).json
    assert acme.post(f"/v1/exports/{second['id']}/cancel").json["state"] == "cancelled"
    work()
    listed = acme.get(f"{audience}/exports").json["data"]
    assert [(each["id"], each["state"]) for each in listed[:2]] == [
        (second["id"], "cancelled"),
        (done["id"], "finished"),
    ]
