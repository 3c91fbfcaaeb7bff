"""Imports against MariaDB and S3: every row counted once, whatever happens to the worker."""

import csv
import io
import multiprocessing
import os
import signal
import struct
from datetime import timedelta
from pathlib import Path
from time import time

import pytest

from chaos.clocks import Clocks
from sidecars.audiences import contacts, importing, leases, properties, tags, uploads
from sidecars.audiences.contacts import ContactFacts
from sidecars.audiences.csvfile import FileError
from sidecars.models import Contact, ContactImport, database, now
from sidecars.models.moments import from_now
from sidecars.settings import settings

DEMO = Path(__file__).resolve().parents[2] / "demo" / "contacts.csv"


def counts(job):
    assert job.rows_done == sum(
        (job.rows_created, job.rows_updated, job.rows_skipped, job.rows_invalid, job.rows_duplicate)
    )
    return (job.rows_created, job.rows_updated, job.rows_invalid, job.rows_duplicate)


def many(rows):
    return "email,n\n" + "".join(f"person{n}@mail{n % 50}.example,{n}\n" for n in range(rows))


def test_people_come_in_with_their_properties_and_tags(imported, people, audience):
    job = imported(
        "E-Mail;Vorname;Nachname;Ort;Alter;Seit;Tags\n"
        "Ada@Mail.example;Ada;Lovelace;Köln;36;2024-02-29;vip|maths\n"
        "bob@mail.example;;;;;;\n"
    )
    assert (job.state, job.rows_total, counts(job)) == ("finished", 2, (2, 0, 0, 0))
    ada = people()["ada@mail.example"]
    assert (ada.first_name, ada.last_name, ada.status) == ("Ada", "Lovelace", "subscribed")
    assert ada.properties == {"ort": "Köln", "alter": 36, "seit": "2024-02-29"}
    assert tags.of_contacts([ada.id]) == {ada.id: ["maths", "vip"]}
    assert people()["bob@mail.example"].properties == {}
    assert properties.declared(audience.id) == {"ort": "text", "alter": "number", "seit": "date"}


def test_what_the_user_says_of_columns_wins_over_the_guess(imported, people):
    job = imported(
        "mail,email,city\nada@mail.example,her own words,London\n",
        {"mail": "email", "email": "properties.note", "city": None},
    )
    assert counts(job) == (1, 0, 0, 0)
    assert people()["ada@mail.example"].properties == {"note": "her own words"}


def test_a_second_list_fills_in_and_leaves_the_rest(imported, people, audience):
    contacts.upsert(
        audience.id, "ada@mail.example", ContactFacts("Ada", "", {"city": "London", "age": 36}, ["old"])
    )
    job = imported("email,first name,last name,city,tags\nADA@mail.example,,Lovelace,Paris,new\n")
    assert counts(job) == (0, 1, 0, 0)
    ada = people()["ada@mail.example"]
    assert (ada.first_name, ada.last_name) == ("Ada", "Lovelace")
    assert ada.properties == {"city": "Paris", "age": 36}
    assert tags.of_contacts([ada.id]) == {ada.id: ["new", "old"]}


def test_who_unsubscribed_is_not_subscribed_again(imported, people, audience):
    contact, _ = contacts.upsert(audience.id, "ada@mail.example", ContactFacts())
    contacts.update(contact.id, ContactFacts(status="unsubscribed"))
    before = Contact.get_by_id(contact.id)
    imported("email,name\nada@mail.example,Ada\n")
    ada = people()["ada@mail.example"]
    assert (ada.status, ada.unsubscribed_at) == ("unsubscribed", before.unsubscribed_at)
    assert ada.properties == {"name": "Ada"}


def test_another_audience_is_left_alone(imported, audience):
    other = contacts.create_audience(audience.team_id, "Other")
    there, _ = contacts.upsert(other.id, "ada@mail.example", ContactFacts())
    assert counts(imported("email,name\nada@mail.example,Ada\n")) == (1, 0, 0, 0)
    assert Contact.get_by_id(there.id).properties == {}


def test_bad_rows_are_told_by_line_and_left_out(imported, people):
    job = imported(
        "email,age,city\n"
        + "".join(f"p{n}@mail.example,{n + 1},x\n" for n in range(importing.GUESS_ROWS))
        + "nobody,1,x\n"
        + 'c@d.example,7,"two\nlines"\n'
        + "e@f.example,old,x\n"
        + "g@h.example,1,x,y\n"
        + 'i@j.example,1,"x "y" z"\n'
        + "k@l.example,9,x\n"
    )
    assert counts(job) == (importing.GUESS_ROWS + 2, 0, 4, 0)
    start = importing.GUESS_ROWS + 2
    assert [(error["line"], error["field"]) for error in job.errors] == [
        (start, "email"),
        (start + 3, "age"),
        (start + 4, ""),
        (start + 5, ""),
    ]
    assert '"old" is not a number' in job.errors[1]["message"]
    assert {"c@d.example", "k@l.example"} <= people().keys()
    assert "e@f.example" not in people()


def test_an_address_that_comes_twice_is_one_contact(imported, people):
    rows = importing.CHUNK_ROWS
    again = "PERSON0@mail0.example,100\nperson1@mail1.example,\nnew@mail.example,5\nnew@mail.example,6\n"
    job = imported(many(rows) + again)
    assert counts(job) == (rows + 1, 0, 0, 3)
    assert people()["person0@mail0.example"].properties == {"n": 100}
    assert people()["person1@mail1.example"].properties == {"n": 1}
    assert people()["new@mail.example"].properties == {"n": 6}
    assert len(people()) == rows + 1


def test_importing_the_same_list_again_changes_nothing(imported, people):
    content = many(3000)
    imported(content)
    before = {email: (row.id, row.properties) for email, row in people().items()}
    assert counts(imported(content)) == (0, 3000, 0, 0)
    assert {email: (row.id, row.properties) for email, row in people().items()} == before


def test_a_declared_kind_binds_the_file_and_is_told(imported, audience):
    properties.declare(audience.id, {"age": "number", "code": "text"})
    job = imported("email,age,code\nada@mail.example,young,7\nbob@mail.example,9,8\n")
    assert counts(job) == (1, 0, 1, 0)
    assert "declared as number but looks like text" in job.errors[0]["message"]
    assert job.errors[1]["line"] == 2
    assert properties.declared(audience.id) == {"age": "number", "code": "text"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("email\n" + "a@b.example\n" * 10 + "jos", None),
        ("email,name\na@b.example,José\n".encode("latin-1"), "Line 2 is not UTF-8"),
        (many(5000).encode() + b"x@y.example,\xff\n", "Line 5002 is not UTF-8"),
    ],
)
def test_a_file_that_breaks_off_in_the_middle_does_nothing_at_all(imported, people, content, told):
    job = imported(content)
    if told is None:
        assert job.state == "finished"
    else:
        assert (job.state, job.rows_done) == ("failed", 0)
        assert told in job.reason
        assert people() == {}


def test_a_byte_order_mark_and_crlf(imported, people):
    imported(b'\xef\xbb\xbfemail;name\r\nada@mail.example;"Ada;\r\nthe first"\r\n')
    assert people()["ada@mail.example"].properties == {"name": "Ada;\r\nthe first"}


@pytest.mark.parametrize("content", ["name\nAda\n", "", b"\xff\xfee\x00", "email,email\n"])
def test_a_file_without_usable_titles_is_not_taken(uploaded, audience, content):
    with pytest.raises(FileError):
        uploaded(content)
    assert not ContactImport.select().where(ContactImport.audience == audience).exists()


def test_all_rows_that_were_refused_are_in_a_file_that_can_be_mended_and_imported(imported, people):
    job = imported("email,=n\n" + "nobody,=1\n" * 2500 + "ada@mail.example,-1\n")
    assert counts(job) == (1, 0, 2500, 0)
    assert len(job.errors) == importing.MAX_ERRORS
    with uploads.opened(job.errors_key) as stream:
        text = stream.read().decode()
    titles, *refused = csv.reader(io.StringIO(text))
    assert titles == ["import_line", "import_column", "import_error", "email", "=n"]
    assert len(refused) == 2500
    assert refused[0] == ["2", "email", "An email address must have an @-sign.", "nobody", "'=1"]
    assert counts(imported(text.replace("nobody", "bob@mail.example"))) == (1, 0, 0, 2499)
    assert people()["bob@mail.example"].properties == {"n": "=1"}


def test_contacts_that_are_there_can_be_left_alone(imported, people, audience):
    contacts.upsert(audience.id, "ada@mail.example", ContactFacts("Ada"))
    options = importing.Options("skip", ["new"], "pending", "Ticked a box, it's 100% \\ sure")
    job = imported(
        "email,first name,tags\nada@mail.example,Eve,x\nbob@mail.example,B'ob,y\nbob@mail.example,Rob,z\n",
        options=options,
    )
    assert (counts(job), job.rows_skipped) == ((1, 0, 0, 1), 1)
    assert job.consent == options.consent
    ada, bob = people()["ada@mail.example"], people()["bob@mail.example"]
    assert (ada.first_name, ada.status, ada.import_id) == ("Ada", "subscribed", None)
    assert (bob.first_name, bob.status, bob.import_id) == ("Rob", "pending", job.id)
    assert tags.of_contacts([ada.id, bob.id]) == {bob.id: ["new", "y", "z"]}


def test_a_status_and_tags_that_were_asked_for_are_those_of_new_ones_and_of_everyone(
    imported, people, audience
):
    contacts.upsert(audience.id, "ada@mail.example", ContactFacts("Ada"))
    options = importing.Options(tags=["100%"], status="unsubscribed")
    assert counts(imported("email\nada@mail.example\nbob@mail.example\n", options=options)) == (1, 1, 0, 0)
    ada, bob = people()["ada@mail.example"], people()["bob@mail.example"]
    assert (ada.status, bob.status, bob.subscribed_at) == ("subscribed", "unsubscribed", None)
    assert bob.unsubscribed_at is not None
    assert tags.of_contacts([ada.id, bob.id]) == {ada.id: ["100%"], bob.id: ["100%"]}


def test_what_means_something_to_sql_is_kept_as_it_was_written(imported, people):
    hostile = """'); DROP TABLE x; -- \\' %s %% \\\\ " \t \x00 \U0001f600"""
    quoted = hostile.replace('"', '""')
    assert counts(imported(f'email,first_name,note\nada@mail.example,"{quoted}","{quoted}"\n')) == (
        1,
        0,
        0,
        0,
    )
    ada = people()["ada@mail.example"]
    assert ada.properties["note"] == hostile
    assert ada.first_name == " ".join(hostile.split())


def test_cells_of_any_size_fit_into_a_statement(imported, people):
    text = "é" * properties.MAX_TEXT
    titles = ",".join(f"p{n}" for n in range(20))
    rows = "".join(f"p{n}@mail.example{f',{text}' * 20}\n" for n in range(200))
    assert counts(imported(f"email,{titles}\n{rows}")) == (200, 0, 0, 0)
    assert len(people()["p199@mail.example"].properties["p19"]) == properties.MAX_TEXT


def test_a_cancelled_import_stops_and_its_upload_is_gone(uploaded, people, monkeypatch):
    job = uploaded(many(3 * importing.CHUNK_ROWS))
    write = importing._write_again_on_deadlock
    calls = iter(range(3))

    def cancelled(*args):
        if next(calls) == 1:
            assert importing.cancel(job)
            assert not importing.cancel(job)
        return write(*args)

    monkeypatch.setattr(importing, "_write_again_on_deadlock", cancelled)
    importing.run(job.id)
    left = ContactImport.get_by_id(job.id)
    assert (left.state, left.rows_done, left.claim) == ("cancelled", importing.CHUNK_ROWS, None)
    assert len(people()) == importing.CHUNK_ROWS
    assert job.id not in importing.stalled()
    importing.run(job.id)
    assert ContactImport.get_by_id(job.id).state == "cancelled"
    with pytest.raises(Exception, match=r"404|NoSuchKey"), uploads.opened(job.storage_key):
        pass


def test_a_worker_killed_in_the_middle_leaves_whole_chunks_and_another_goes_on(uploaded, people):
    rows = 10 * importing.CHUNK_ROWS
    content = many(rows) + "person5@mail5.example,5\nnobody,1\n"
    job = uploaded(content)
    paused = multiprocessing.get_context("spawn").Process(target=run_and_die, args=(job.id, dict(os.environ)))
    paused.start()
    paused.join(60)
    assert paused.exitcode == -signal.SIGKILL
    left = ContactImport.get_by_id(job.id)
    assert left.state == "running"
    assert left.rows_done == 3 * importing.CHUNK_ROWS
    assert left.rows_created == left.rows_done == len(people())

    importing.run(job.id)
    assert ContactImport.get_by_id(job.id).rows_done == left.rows_done, "the dead worker's lease holds"
    assert job.id not in importing.stalled()
    end_lease(job)
    assert job.id in importing.stalled()
    importing.run(job.id)
    done = ContactImport.get_by_id(job.id)
    assert (done.state, done.attempts, done.rows_total) == ("finished", 2, rows + 2)
    assert counts(done) == (rows, 0, 1, 1)
    assert len(people()) == rows
    assert done.errors == [
        {"line": rows + 3, "field": "email", "message": "An email address must have an @-sign."}
    ]


def end_lease(job):
    ContactImport.update(lease_until=from_now(-1)).where(ContactImport.id == job.id).execute()


def run_and_die(import_id, environment):
    """Runs the import in a process of its own, which kills itself inside its fourth chunk's transaction."""
    os.environ.update(environment)
    upsert = importing._upsert
    calls = iter(range(4))

    def last_one_dies(*args):
        result = upsert(*args)
        if next(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    importing._upsert = last_one_dies
    importing.run(import_id)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_whose_clock_jumps_an_hour_takes_no_held_import_and_holds_none_for_longer(
    uploaded, tmp_path, hours
):
    held, free = uploaded(many(10)), uploaded(many(4 * importing.CHUNK_ROWS))
    assert leases.take(ContactImport, held.id)
    with Clocks(tmp_path).preloaded():
        worker = multiprocessing.get_context("spawn").Process(
            target=run_while_the_clock_jumps, args=(held.id, free.id, 3600 * hours, dict(os.environ))
        )
        worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    assert ContactImport.get_by_id(held.id).attempts == 1
    left = ContactImport.get_by_id(free.id)
    assert left.rows_done == 3 * importing.CHUNK_ROWS
    assert timedelta() < left.lease_until - now() <= timedelta(seconds=settings.lease_seconds)


def run_while_the_clock_jumps(held, free, seconds, environment):
    """The clock jumps inside the free import. The other, which another worker holds, is left alone."""
    upsert = importing._upsert
    before = time()

    def jumped(*args):
        if abs(time() - before) < 1800:
            with (Path(environment["KIBA_CLOCKS"]) / str(os.getsid(0))).open("r+b") as clock:
                clock.write(struct.pack("=q", seconds))
            assert abs(time() - before) > 1800
            assert held not in importing.stalled()
            importing.run(held)
        return upsert(*args)

    importing._upsert = jumped
    run_and_die(free, environment)


def test_a_worker_whose_lease_was_taken_writes_nothing_more(uploaded, people, monkeypatch):
    job = uploaded(many(3 * importing.CHUNK_ROWS))
    write = importing._write
    calls = iter(range(3))

    def overtaken(mine, *others):
        if next(calls) == 1:
            ContactImport.update(claim=os.urandom(16)).where(ContactImport.id == mine.id).execute()
        return write(mine, *others)

    monkeypatch.setattr(importing, "_write", overtaken)
    importing.run(job.id)
    left = ContactImport.get_by_id(job.id)
    assert (left.state, left.rows_done) == ("running", importing.CHUNK_ROWS)
    assert len(people()) == importing.CHUNK_ROWS


def test_storage_that_does_not_answer_leaves_the_import_for_later(uploaded):
    job = uploaded(many(10))
    uploads.remove(job.storage_key)
    for attempt in range(1, leases.MAX_ATTEMPTS + 1):
        with pytest.raises(Exception, match="NoSuchKey"):
            importing.run(job.id)
        left = ContactImport.get_by_id(job.id)
        assert left.attempts == attempt
        if attempt < leases.MAX_ATTEMPTS:
            assert left.state == "running"
            assert job.id not in importing.stalled(), "it rests, as storage may be away for a while"
            end_lease(job)
            assert job.id in importing.stalled()
    assert left.state == "failed"
    assert "Given up after 5 attempts" in left.reason
    assert left.finished_at is not None


@pytest.mark.parametrize("content", ["email\nada@mail.example\n", b"email,name\na@b.example,\xff\n"])
def test_the_upload_is_gone_when_the_import_has_ended(imported, content):
    job = imported(content)
    with pytest.raises(Exception, match=r"404|NoSuchKey"), uploads.opened(job.storage_key):
        pass


def test_an_ended_import_is_not_run_again(imported, people):
    job = imported("email\nada@mail.example\n")
    Contact.delete().where(Contact.email == "ada@mail.example").execute()
    importing.run(job.id)
    assert people() == {}


def test_an_import_that_no_task_came_for_is_found(uploaded):
    job = uploaded("email\nada@mail.example\n")
    assert job.id not in importing.stalled()
    end_lease(job)
    assert job.id in importing.stalled()


def test_a_preview_tells_what_the_import_then_does(audience, imported):
    for n, status in enumerate(("subscribed", "unsubscribed")):
        contact, _ = contacts.upsert(audience.id, f"person{n}@mail{n}.example", ContactFacts())
        contacts.update(contact.id, ContactFacts(status=status))
    content = many(3 * importing.CHUNK_ROWS) + "person7@mail7.example,7\nnobody,1\n"
    before = (
        Contact.select().where(Contact.audience == audience).count(),
        properties.declared(audience.id),
        database.execute_sql("SELECT COUNT(*) FROM contact_imports").fetchone(),
    )
    found = importing.preview(io.BytesIO(content.encode()), audience.id)
    after = (
        Contact.select().where(Contact.audience == audience).count(),
        properties.declared(audience.id),
        database.execute_sql("SELECT COUNT(*) FROM contact_imports").fetchone(),
    )
    assert before == after
    assert (found.mapping, found.properties) == ({"email": "email", "n": "properties.n"}, {"n": "number"})
    assert found.unsubscribed == 1
    assert found.complete
    assert (found.titles, found.sample[:2]) == (
        ["email", "n"],
        [["person0@mail0.example", "0"], ["person1@mail1.example", "1"]],
    )
    assert [(each.line, each.outcome) for each in found.lines[:3]] == [
        (2, "updated"),
        (3, "updated"),
        (4, "created"),
    ]
    assert len(found.lines) == importing.REPORT_ROWS
    short = content.replace("person2@mail2.example", "nobody").split("person3@")[0] + content[-40:]
    skipped = importing.preview(io.BytesIO(short.encode()), audience.id, on_conflict="skip")
    assert [each.outcome for each in skipped.lines][:3] == ["skipped", "skipped", "invalid"]
    job = imported(content)
    assert (found.created, found.updated, found.invalid, found.duplicate) == counts(job)
    assert found.errors == job.errors
    assert found.rows == job.rows_total


def test_a_preview_of_a_very_long_file_says_that_it_stopped(audience, monkeypatch):
    monkeypatch.setattr(importing, "PREVIEW_ROWS", 50)
    found = importing.preview(io.BytesIO(many(51).encode()), audience.id)
    assert (found.rows, found.complete) == (50, False)


def test_a_preview_tells_of_kinds_that_do_not_suit(audience):
    properties.declare(audience.id, {"age": "number"})
    found = importing.preview(io.BytesIO(b"email,age\na@b.example,old\n"), audience.id)
    assert found.conflicts == [importing.Conflict("age", "number", "text")]
    assert found.invalid == 1


def test_the_demo_list_comes_in_whole(imported, people):
    with DEMO.open(newline="") as file:
        rows = list(csv.DictReader(file))
    job = imported(DEMO.read_bytes())
    assert (job.state, job.rows_total) == ("finished", len(rows))
    assert job.rows_created + job.rows_duplicate + job.rows_invalid == len(rows) == 10_000
    assert len(people()) == job.rows_created
