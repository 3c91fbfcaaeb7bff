"""The fan-out's archiving thread, on the real MariaDB and S3."""

import threading

import pytest

from sidecars.broadcasts import archiving
from sidecars.fanout import archiver
from sidecars.models import ArchivedPart, Broadcast, Send, database, now
from sidecars.settings import settings
from tests.sending import make_cancelled
from tests.support import wait_for


@pytest.fixture
def cancelled(stack):
    """A broadcast that is due."""
    with database.connection_context():
        yield make_cancelled(5, settings.kiba_archive_after_days + 1)


@pytest.fixture
def thread(monkeypatch):
    """Archives for as long as the test runs."""
    monkeypatch.setattr(archiver, "REST_SECONDS", 0.01)
    monkeypatch.setattr(archiver, "LOOK_EVERY_SECONDS", 0.1)
    stopping = threading.Event()
    running = threading.Thread(target=archiver.keep_archiving, args=(stopping,))
    running.start()
    yield running
    stopping.set()
    running.join()


def left_in_mysql(broadcast):
    return Send.select().where(Send.broadcast_id == broadcast.id).count()


@pytest.fixture
def incomplete(cancelled):
    """A broadcast of whose archive a row is missing; it is taken on first."""
    broadcast = make_cancelled(5, settings.kiba_archive_after_days + 1)
    archiving.advance(broadcast.id)
    ArchivedPart.update(n=4).where(ArchivedPart.broadcast == broadcast.id).execute()
    yield broadcast
    ArchivedPart.delete().where(ArchivedPart.broadcast == broadcast.id).execute()
    Broadcast.update(finished_at=now()).where(Broadcast.id == broadcast.id).execute()


def test_one_that_somebody_must_look_at_holds_up_no_other(cancelled, incomplete, thread, caplog):
    wait_for(lambda: not left_in_mysql(cancelled))

    assert "has 5 sends, its archive 4" in caplog.text
    assert left_in_mysql(incomplete) == 5


def test_a_failure_is_logged_and_tried_again_till_the_last_row_has_moved(
    cancelled, thread, monkeypatch, caplog
):
    def fail(*_):
        raise ConnectionError("S3 is away")

    with monkeypatch.context() as away:
        away.setattr(archiving, "advance", fail)
        wait_for(lambda: "archiving stopped" in caplog.text)

    wait_for(lambda: not left_in_mysql(cancelled))
    assert Broadcast.get_by_id(cancelled.id).archived_at
