import json
import threading
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from sidecars.broadcasts import audit as auditing
from sidecars.broadcasts.audit import audit, recent
from sidecars.fanout import auditor
from sidecars.models import Broadcast, Send, database, now
from sidecars.models.database import connect
from sidecars.settings import settings
from tests.broadcasts.books import in_clickhouse, in_ledger

NONE = timedelta(seconds=-1)


@pytest.fixture
def broadcast(planned):
    return planned(4)


@pytest.fixture
def sends(broadcast):
    return list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))


def told(broadcast):
    return REGISTRY.get_sample_value("kibamail_books_difference", {"broadcast_id": str(broadcast.id)})


def test_what_may_still_be_on_its_way_is_no_difference(broadcast, sends):
    in_ledger(sends[0])
    assert audit(broadcast) == 0
    assert audit(broadcast, NONE) == 1
    in_clickhouse(sends[0])
    assert audit(broadcast, NONE) == 0


def test_rows_too_few_are_counted_at_once(broadcast, sends):
    Send.delete().where(Send.message_id.in_([each.message_id for each in sends[:2]])).execute()
    assert audit(broadcast) == 2


def test_the_log_names_the_broadcast_and_the_first_mails(broadcast, sends, caplog):
    in_ledger(sends[0])
    audit(broadcast, NONE)
    (record,) = [each for each in caplog.records if each.message == "books differ"]
    assert (record.broadcast_id, record.mails) == (broadcast.id, 1)
    assert json.dumps(record.message_ids) == json.dumps([str(sends[0].message_id)])


def test_the_metric_tells_of_books_that_differ_and_of_no_others(broadcast, sends, planned, monkeypatch):
    monkeypatch.setattr(auditing, "RECENT", timedelta(0))
    monkeypatch.setattr(auditor, "REST", 0)
    other = planned(1)
    Broadcast.update(planned_total=9).where(Broadcast.id == broadcast.id).execute()
    began = now().timestamp()
    auditor.look(threading.Event())
    assert (told(broadcast), told(other)) == (5, None)
    assert REGISTRY.get_sample_value("kibamail_books_audited_timestamp_seconds") >= began
    Broadcast.update(planned_total=4).where(Broadcast.id == broadcast.id).execute()
    auditor.look(threading.Event())
    assert told(broadcast) is None


def test_broadcasts_that_ended_long_ago_are_left_alone(broadcast):
    def ended(ago):
        Broadcast.update(state="sent", finished_at=now() - ago).where(Broadcast.id == broadcast.id).execute()
        return broadcast.id in [each.id for each in recent()]

    assert ended(auditing.RECENT - timedelta(hours=1))
    assert not ended(auditing.RECENT + timedelta(hours=1))


def test_of_two_processes_one_audits_and_the_other_when_that_one_is_gone(broadcast):
    other = connect(settings.database_url)
    other.execute_sql(f"SELECT GET_LOCK({auditor.LOCK}, 0)")
    assert not auditor._is_ours()
    other.close_all()
    assert auditor._is_ours()
    database.execute_sql(f"SELECT RELEASE_LOCK({auditor.LOCK})")
