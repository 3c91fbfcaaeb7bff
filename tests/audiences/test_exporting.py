"""Exports against MariaDB and S3: what goes out comes in again as it was."""

import csv
import io
import json
from datetime import timedelta

import pytest

from sidecars.audiences import contacts, exporting, importing, properties, tags, uploads
from sidecars.audiences.contacts import ContactFacts
from sidecars.audiences.exporting import Chosen
from sidecars.models import Contact, ContactExport, ContactImport, now

PEOPLE = {
    "ada@mail.example": ContactFacts(
        "Ada",
        '=HYPERLINK("https://evil.example")',
        {
            "note": "+1 -1 @x",
            "quoted": "'=1",
            "score": -5,
            "vip": True,
            "since": "2024-02-29",
            "seen": "2024-02-29T10:15:30Z",
            "likes": ["-cake", "tea, or so"],
            "alone": ["one"],
            "email": "ada@other.example",
            "vorname": 'Zeile 1\nZeile "2"',
        },
        ["vip", "@home"],
    ),
    "'+x@mail.example": ContactFacts("", "", {}, ["a,b;c"]),
    "bob@mail.example": ContactFacts("Bob", "O'Neill"),
}


@pytest.fixture
def everyone(audience):
    properties.declare(audience.id, {"seen": "date", "since": "date"})
    for email, facts in PEOPLE.items():
        contacts.upsert(audience.id, email, facts)
    gone = Contact.get(Contact.audience == audience, Contact.email == "bob@mail.example")
    contacts.update(gone.id, ContactFacts(status="unsubscribed"))


def told(audience):
    rows = list(Contact.select().where(Contact.audience == audience))
    borne = tags.of_contacts(row.id for row in rows)
    return {row.email: (row.first_name, row.last_name, row.properties, borne.get(row.id)) for row in rows}


def exported(audience, kind, chosen=None):
    return b"".join(exporting.written(audience.id, kind, chosen or Chosen())).decode()


@pytest.mark.usefixtures("everyone")
def test_an_export_imports_again_to_the_same_people(audience, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE_ROWS", 2)
    text = exported(audience, "csv")
    again = contacts.create_audience(audience.team_id, "Again")
    job = importing.create(again, "contacts.csv", io.BytesIO(text.encode()))
    importing.run(job.id)
    done = ContactImport.get_by_id(job.id)
    assert (done.rows_created, done.rows_invalid, done.errors) == (3, 0, [])
    assert told(again) == told(audience)
    assert properties.declared(again.id) == properties.declared(audience.id)


@pytest.mark.usefixtures("everyone")
def test_no_cell_of_a_csv_is_a_formula_but_numbers_stay_numbers(audience):
    rows = {row["email"]: row for row in csv.DictReader(io.StringIO(exported(audience, "csv")))}
    ada = rows["ada@mail.example"]
    assert ada["last_name"] == '\'=HYPERLINK("https://evil.example")'
    assert (ada["note"], ada["quoted"], ada["tags"]) == ("'+1 -1 @x", "''=1", "'@home|vip")
    assert ada["score"] == "-5"
    assert rows["bob@mail.example"]["contact_status"] == "unsubscribed"
    assert rows["bob@mail.example"]["contact_unsubscribed_at"].endswith("Z")


@pytest.mark.usefixtures("everyone")
def test_json_has_each_contact_on_a_line(audience):
    lines = [json.loads(line) for line in exported(audience, "ndjson").splitlines()]
    ada = next(line for line in lines if line["email"] == "ada@mail.example")
    assert (ada["properties"], ada["tags"]) == (PEOPLE["ada@mail.example"].properties, ["@home", "vip"])
    assert (ada["status"], ada["unsubscribed_at"]) == ("subscribed", None)
    assert len(lines) == 3


@pytest.mark.usefixtures("everyone")
def test_an_export_has_whom_it_was_asked_for(audience):
    for chosen, expected in (
        (Chosen(status="unsubscribed"), {"bob@mail.example"}),
        (Chosen(tag="vip"), {"ada@mail.example"}),
        (Chosen(status="unsubscribed", tag="vip"), set()),
        (Chosen(tag="nobody's"), set()),
    ):
        lines = exported(audience, "ndjson", chosen).splitlines()
        assert {json.loads(line)["email"] for line in lines} == expected
    assert exported(audience, "csv", Chosen(tag="nobody's")).startswith("email,first_name,last_name,tags,")


@pytest.mark.usefixtures("everyone")
def test_a_file_is_written_by_a_worker_and_deleted_after_a_week(audience):
    job = exporting.create(audience, "csv", Chosen())
    assert job.id not in exporting.stalled()
    exporting.run(job.id)
    done = ContactExport.get_by_id(job.id)
    assert (done.state, done.rows_done) == ("finished", 3)
    with uploads.opened(done.storage_key) as file:
        content = file.read().decode()
    assert content == exported(audience, "csv")
    assert done.bytes_total == len(content.encode())

    exporting.forget_old()
    assert ContactExport.get_by_id(job.id).storage_key
    ContactExport.update(finished_at=now() - exporting.KEPT - timedelta(minutes=1)).where(
        ContactExport.id == job.id
    ).execute()
    exporting.forget_old()
    assert ContactExport.get_by_id(job.id).storage_key == ""
    with pytest.raises(Exception, match=r"404|NoSuchKey"), uploads.opened(done.storage_key):
        pass


@pytest.mark.usefixtures("everyone")
def test_a_cancelled_export_leaves_no_file(audience, monkeypatch):
    job = exporting.create(audience, "csv", Chosen())
    store = uploads.store
    stored = []

    def cancelled(*args):
        assert exporting.cancel(job)
        stored.append(store(*args))
        return stored[0]

    monkeypatch.setattr(uploads, "store", cancelled)
    exporting.run(job.id)
    assert ContactExport.get_by_id(job.id).state == "cancelled"
    assert not exporting.cancel(job)
    with pytest.raises(Exception, match=r"404|NoSuchKey"), uploads.opened(stored[0]):
        pass
