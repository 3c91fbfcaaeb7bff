"""/v1/audiences/{id}/imports: uploaded over HTTP, stored in S3, run by the fan-out's task."""

import io
import json

import pytest

from sidecars.api import imports
from sidecars.audiences import importing
from sidecars.fanout.app import huey
from sidecars.models import Contact, ContactImport
from sidecars.settings import settings

LIST = "E-Mail;Vorname;Ort;Alter\nbob@mail.example;Bob;Köln;36\nnobody;X;Y;1\nBOB@mail.example;;Bonn;\n"


@pytest.fixture
def address(goods):
    return f"/v1/audiences/{goods.ids.audience}/imports"


@pytest.fixture
def upload(acme, address):
    def _upload(content, query="", name="people.csv", **fields):
        data = {"file": (io.BytesIO(content if isinstance(content, bytes) else content.encode()), name)}
        return acme.post(address + query, data=data | fields)

    return _upload


def work():
    """Does what waits in the fan-out's queue, as its worker would."""
    while task := huey.dequeue():
        if task.name == "ImportContacts":
            huey.execute(task)


def test_a_list_is_taken_and_a_worker_brings_it_in(acme, upload, goods):
    taken = upload(LIST)
    assert taken.status_code == 202
    assert (taken.json["state"], taken.json["filename"]) == ("uploaded", "people.csv")
    assert taken.json["mapping"] == {
        "E-Mail": "email",
        "Vorname": "first_name",
        "Ort": "properties.ort",
        "Alter": "properties.alter",
    }
    work()
    done = acme.get(f"/v1/imports/{taken.json['id']}").json
    assert (done["state"], done["rows_total"], done["rows_done"]) == ("finished", 3, 3)
    assert [done[f"rows_{what}"] for what in ("created", "updated", "duplicate", "invalid")] == [1, 0, 1, 1]
    assert done["errors"] == [
        {"line": 3, "field": "E-Mail", "message": "An email address must have an @-sign."}
    ]
    assert done["finished_at"].endswith("Z")
    found = acme.get(f"/v1/audiences/{goods.ids.audience}/contacts?email=bob@mail.example").json["data"][0]
    assert (found["first_name"], found["properties"]) == ("Bob", {"ort": "Bonn", "alter": 36})


def test_a_dry_run_tells_and_does_nothing(upload, goods):
    before = (Contact.select().count(), ContactImport.select().count())
    told = upload(LIST, "?dry_run=true")
    assert told.status_code == 200
    assert (told.json["delimiter"], told.json["rows"], told.json["complete"]) == (";", 3, True)
    assert [told.json[what] for what in ("created", "updated", "duplicate", "invalid")] == [1, 0, 1, 1]
    assert told.json["properties"] == {"ort": "text", "alter": "number"}
    assert told.json["errors"][0]["line"] == 3
    assert (Contact.select().count(), ContactImport.select().count()) == before


def test_columns_can_be_told(upload):
    mapping = json.dumps({"Ort": None, "Vorname": "properties.rufname"})
    told = upload(LIST, "?dry_run=true", mapping=mapping).json
    assert told["mapping"]["Ort"] is None
    assert told["properties"] == {"rufname": "text", "alter": "number"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"name\nBob\n", "No column is the email address"),
        (b"\xff\xfee\x00m\x00", "UTF-16"),
        ("naïve,email\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(upload, fields, content, told):
    for query in ("", "?dry_run=true"):
        response = upload(content, query)
        assert fields(response) == ["file"]
        assert told in response.json["message"]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "file"),
        ({"file": "just text"}, "file"),
        ({"file": (io.BytesIO(b"email\n"), "x.csv"), "surprise": "1"}, "surprise"),
        ({"file": (io.BytesIO(b"email\n"), "x.csv"), "mapping": "nonsense"}, "mapping"),
        ({"file": (io.BytesIO(b"email\n"), "x.csv"), "mapping": '{"email": 3}'}, "mapping.email"),
        ({"file": (io.BytesIO(b"email\n"), "x.csv"), "mapping": '{"email": "phone"}'}, "file"),
    ],
)
def test_a_form_that_does_not_fit_is_told_by_its_field(acme, address, fields, data, field):
    assert fields(acme.post(address, data=data)) == [field]


def test_a_list_may_be_larger_than_any_other_body_but_not_endless(acme, upload, monkeypatch):
    large = "email\n" + "bob@mail.example\n" * 300_000
    assert len(large) > 5_000_000
    assert upload(large, "?dry_run=true").json["rows"] == importing.PREVIEW_ROWS
    small = settings.model_copy(update={"max_upload_bytes": 1000})
    monkeypatch.setattr(imports, "settings", small)
    response = upload("email\n" + "x" * 2000)
    assert response.status_code == 413
    assert "1,000 bytes" in response.json["message"]


def test_another_body_may_not_be_as_large(acme):
    response = acme.post("/v1/audiences", json={"name": "x" * 5_000_000})
    assert response.status_code == 413
    assert "4,194,304 bytes" in response.json["message"]
