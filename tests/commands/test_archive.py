"""`./kiba archive`: which broadcasts it takes, which it refuses, and what other commands then say."""

import pytest
from click.testing import CliRunner

from sidecars.archive import parts
from sidecars.cli import cli
from sidecars.models import ArchivedPart, Broadcast, Contact, Send, database
from sidecars.settings import settings
from sidecars.storage import client
from tests.sending import make_cancelled, make_draft, make_people, make_team


@pytest.fixture
def cancelled(stack):
    """A broadcast that ended forty days ago."""
    with database.connection_context():
        return make_cancelled(3, days=40)


def kiba(*arguments, command="archive", code=0):
    done = CliRunner().invoke(cli, [command, *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def left_in_mysql(broadcast):
    with database.connection_context():
        return Send.select().where(Send.broadcast_id == broadcast.id).count()


def test_a_dry_run_tells_what_is_due_and_moves_nothing(cancelled):
    assert f"broadcast {cancelled.id}, 3 recipients\n" in kiba("--days", 30, "--dry-run")
    assert f"broadcast {cancelled.id}," not in kiba("--days", 50, "--dry-run")
    assert left_in_mysql(cancelled) == 3


def test_one_is_archived_by_its_id_and_again_without_harm(cancelled):
    assert "archived" in kiba(cancelled.id)
    assert left_in_mysql(cancelled) == 0
    assert "archived" in kiba(cancelled.id)


def test_what_has_not_ended_is_refused_before_anything_moves(cancelled):
    with database.connection_context():
        team = make_team()
        draft = make_draft(team, make_people(team, 1).audience)
        missing = Broadcast.select().order_by(Broadcast.id.desc()).get().id + 1

    assert f"Broadcast {draft.id} is draft and has not ended" in kiba(cancelled.id, draft.id, code=1)
    assert f"There is no broadcast {missing}" in kiba(missing, code=1)
    assert left_in_mysql(cancelled) == 3


def test_other_commands_say_the_same_of_an_archived_broadcast_and_name_a_damaged_file(cancelled):
    def said(code):
        with database.connection_context():
            address = Contact.get(Contact.audience == cancelled.audience_id).email
        books = kiba(cancelled.id, command="reconcile", code=code)
        return [
            # What is still on its way changes by the moment, and is other tests'.
            [line for line in books.splitlines() if " records of " not in line],
            kiba(address, "--broadcast", cancelled.id, command="why", code=code),
        ]

    before = said(0)
    assert "books balanced: yes" in before[0]
    kiba(cancelled.id)
    assert said(0) == before
    with database.connection_context():
        key = ArchivedPart.get(ArchivedPart.broadcast == cancelled.id).object_key
    file = {"Bucket": settings.s3_bucket, "Key": key}
    written = client().get_object(**file)["Body"].read()
    client().delete_object(**file)
    parts._kept.cache_clear()
    assert all(f"{key} in the bucket" in str(told) for told in said(1))
    client().put_object(**file, Body=written)
    assert said(0) == before
