"""/v1/audiences/{id}/imports: uploaded over HTTP, stored in S3, run by the fan-out's task."""

import io
import json

import pytest
import requests

from sidecars.api import imports
from sidecars.audiences import importing, uploads
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


def test_how_far_it_is_can_be_watched_and_it_can_be_cancelled(acme, upload, address):
    taken = upload(
        LIST, on_conflict="skip", tags=["spring", "5"], status="pending", consent="Ticked a box"
    ).json
    assert (taken["on_conflict"], taken["tags"]) == ("skip", ["spring", "5"])
    assert (taken["status"], taken["consent"]) == ("pending", "Ticked a box")
    assert (taken["rows_per_second"], taken["seconds_left"]) == (None, None)
    number = int(taken["id"].removeprefix("imp_"))
    ContactImport.update(state="running", rows_total=10, rows_done=3, rows_per_second=2).where(
        ContactImport.id == number
    ).execute()
    assert acme.get(f"/v1/imports/{taken['id']}").json["seconds_left"] == 4
    listed = acme.get(address).json
    assert listed["data"][0] == acme.get(f"/v1/imports/{taken['id']}").json
    assert len(listed["data"]) == 2
    first = acme.get(f"{address}?limit=1").json
    assert acme.get(f"{address}?limit=1&cursor={first['next_cursor']}").json["data"] == [listed["data"][1]]

    cancelled = acme.post(f"/v1/imports/{taken['id']}/cancel")
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert cancelled.json["finished_at"]
    again = acme.post(f"/v1/imports/{taken['id']}/cancel")
    assert (again.status_code, again.json["state"]) == (409, "cancelled")
    work()
    assert acme.get(f"/v1/imports/{taken['id']}").json["rows_done"] == 3


def test_a_preview_shows_the_first_rows_and_what_they_are_taken_for(upload, fields):
    assert fields(upload("name\nBob\n", "/preview")) == ["file"]
    told = upload(LIST, "/preview").json
    assert told["titles"] == ["E-Mail", "Vorname", "Ort", "Alter"]
    assert told["mapping"]["Ort"] == "properties.ort"
    assert (told["properties"], told["delimiter"]) == ({"ort": "text", "alter": "number"}, ";")
    assert len(told["sample"]) == 3
    assert "rows" not in told


@pytest.fixture
def put(acme, goods, monkeypatch):
    """Uploads straight to storage, in parts of 5 MiB as S3 has them at the least; what an import takes."""
    monkeypatch.setattr(uploads, "PART_BYTES", 5 * 1024 * 1024)

    def _put(content):
        told = acme.post(f"/v1/audiences/{goods.ids.audience}/uploads", json={"size": len(content)})
        assert told.status_code == 201
        length = told.json["part_bytes"]
        for number, url in enumerate(told.json["urls"]):
            part = content[number * length : (number + 1) * length]
            assert requests.put(url, data=part, timeout=60).status_code == 200
        return {name: told.json[name] for name in ("key", "upload_id")}

    return _put


def test_a_list_can_be_uploaded_to_storage_first(acme, address, goods, put, fields):
    text = "email;town\n" + "".join(f"reader{n}@mail.example;{'x' * 1900}\n" for n in range(3000))
    for content, rows, is_large in ((LIST.encode(), 3, False), (text.encode(), 3000, True)):
        body = put(content)
        assert bool(body["upload_id"]) == is_large
        shown = acme.post(f"{address}/uploaded/preview", json=body)
        assert (shown.status_code, shown.json["delimiter"]) == (200, ";")
        body["upload_id"] = ""  # it is put together
        assert acme.post(f"{address}/uploaded?dry_run=true", json=body).json["rows"] == rows
        taken = acme.post(f"{address}/uploaded", json=body | {"filename": "big.csv", "tags": ["big"]})
        assert (taken.status_code, taken.json["filename"]) == (202, "big.csv")
        assert acme.post(f"{address}/uploaded", json=body).status_code == 409
        work()
        assert acme.get(f"/v1/imports/{taken.json['id']}").json["rows_done"] == rows


def test_what_was_not_uploaded_is_not_imported(acme, other, address, goods, put, fields, monkeypatch):
    theirs = put(LIST.encode())
    mine = other.post("/v1/audiences", json={"name": "Mine"}).json["id"]
    assert fields(other.post(f"/v1/audiences/{mine}/imports/uploaded", json=theirs)) == ["key"]
    audience = f"/v1/audiences/{goods.ids.audience}"
    told = acme.post(f"{audience}/uploads", json={"size": 6 * 1024 * 1024}).json
    nothing_yet = {"key": told["key"], "upload_id": told["upload_id"]}
    for body in (nothing_yet, nothing_yet | {"upload_id": ""}, nothing_yet | {"upload_id": "x"}):
        response = acme.post(f"{address}/uploaded", json=body)
        assert fields(response) == ["key"]
        assert "PUT" in response.json["message"]
    assert fields(acme.post(f"{address}/uploaded", json=put(b"name\nBob\n"))) == ["key"]
    assert fields(acme.post(f"{audience}/uploads", json={"size": settings.max_upload_bytes + 1})) == ["size"]
    large = put(LIST.encode())
    monkeypatch.setattr(uploads, "settings", settings.model_copy(update={"max_upload_bytes": 10}))
    assert "too large" in acme.post(f"{address}/uploaded", json=large).json["message"]


def test_all_errors_are_a_file_where_they_are_many(acme, upload):
    taken = upload("email\n" + "nobody\n" * (importing.MAX_ERRORS + 1)).json
    work()
    done = acme.get(f"/v1/imports/{taken['id']}").json
    assert len(done["errors"]) == importing.MAX_ERRORS
    got = requests.get(done["errors_url"], timeout=60)
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert len(got.text.splitlines()) == importing.MAX_ERRORS + 2
