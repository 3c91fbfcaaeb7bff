import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient, TopicPartition

from sidecars import names, storage, streams
from sidecars.analytics import schema
from sidecars.analytics.client import client
from sidecars.analytics.reports import final_states
from sidecars.archive import parts as archive_parts
from sidecars.broadcasts import archiving
from sidecars.broadcasts.states import Reason, SendState
from sidecars.cli import cli
from sidecars.enrichers.handlers import HANDLERS
from sidecars.enrichers.rebuild import InProgress, rebuilding
from sidecars.models import ArchivedPart, Send, database
from sidecars.settings import settings
from tests.enrichers.conftest import running_loop
from tests.mailing import mailing
from tests.raw_events import (
    click_event,
    dsn,
    inbound,
    mta_event,
    open_event,
    refused,
    unsubscribe_event,
)
from tests.support import wait_for

TABLES = tuple(schema.TOPIC_OF)


def rows(sent):
    """The broadcast's rows in each table, but for when they were processed."""
    query = "SELECT * EXCEPT processed_at FROM {} FINAL WHERE broadcast_id = {:d} ORDER BY ALL"
    return {table: client().execute(query.format(table, sent.broadcast_id)) for table in TABLES}


def numbers(sent):
    return [len(of_table) for of_table in rows(sent).values()]


def rebuild(swap=True):
    """What the comparison and the rebuild itself say."""
    with rebuilding() as made:
        made.fill(lambda done, total: None)
        compared = made.compare()
        if swap:
            made.swap()
        return made, compared


@pytest.fixture(scope="module")
def sent(stack):
    """A broadcast of which all tables tell, and an enricher that goes on."""
    sent = mailing(4)
    delivered, bounced, returned, leaving = sent.mails
    with running_loop(HANDLERS):
        tell(
            names.TOPIC_STATUSES,
            mta_event("deferred", delivered.message_id, code=451, team_id=sent.team_id),
            mta_event("delivered", delivered.message_id, attempt=2, team_id=sent.team_id),
            refused(bounced.message_id, 550, "5.1.1", "No such user", recipient=bounced.email),
            mta_event("delivered", returned.message_id),
            inbound(returned.message_id, dsn("failed", "5.1.1", "550 unknown user", returned.email)),
            inbound(leaving.message_id, b"To: u-token@kb.news.example\r\n\r\n"),
            # No mail of ours, so that it cannot be placed.
            mta_event("delivered", uuid4()),
        )
        # Behind the delivery, which a verdict looks at.
        wait_for(lambda: delivered.send().state == SendState.DELIVERED)
        tell(names.TOPIC_OPENS, open_event(delivered.message_id))
        tell(names.TOPIC_CLICKS, *(click_event(delivered.message_id, index) for index in range(3)))
        tell(names.TOPIC_CLICKS, unsubscribe_event(delivered.message_id))
        wait_for(lambda: numbers(sent) == [6, 1, 5])
        yield sent


def tell(topic, *events):
    producer = streams.producer()
    producer.send(topic, streams.ndjson(events)).get(timeout=60)
    producer.close()


def test_tables_that_lost_rows_have_them_again_and_twice_is_once(sent):
    before = rows(sent)
    for table in TABLES:
        client().execute(f"DELETE FROM {table} WHERE broadcast_id = {sent.broadcast_id:d}")

    dry, compared = rebuild(swap=False)
    assert numbers(sent) == [0, 0, 0]
    assert client().execute("SELECT name FROM system.tables WHERE name LIKE '%_shadow'") == []
    assert all(compared[table].only_rebuilt >= len(before[table]) > 0 for table in TABLES)
    assert all(compared[table].ids_only_rebuilt for table in TABLES)
    assert dry.unplaced >= 1

    rebuild()
    assert rows(sent) == before

    _, again = rebuild(swap=False)
    for table in TABLES:
        assert (again[table].only_rebuilt, again[table].changed) == (0, 0)


def test_what_came_since_it_was_begun_is_kept(sent):
    before = numbers(sent)
    whose = sent.mails[0]
    with rebuilding() as made:
        made.fill(lambda done, total: None)
        tell(names.TOPIC_OPENS, open_event(whose.message_id))
        tell(names.TOPIC_STATUSES, refused(whose.message_id, 550, "5.7.1", "Blocked"))
        came = [number + more for number, more in zip(before, (1, 1, 0), strict=True)]
        wait_for(lambda: numbers(sent) == came)
        made.swap()

    assert numbers(sent) == came


def test_what_a_rebuild_left_that_was_killed_is_no_hindrance(sent):
    before = numbers(sent)
    client().execute("CREATE TABLE smtp_messages_shadow AS smtp_messages")
    client().execute("INSERT INTO smtp_messages_shadow (event_id, processed_at) VALUES (generateUUIDv4(), 1)")
    client().execute("DROP TABLE smtp_messages_queue SYNC")

    rebuild()

    assert numbers(sent) == before
    made = {
        name for (name,) in client().execute("SELECT name FROM system.tables WHERE database = 'kibamail'")
    }
    assert {f"smtp_messages_{part}" for part in ("queue", "ingest", "errors")} < made
    assert "smtp_messages_shadow" not in made


def test_what_kafka_has_no_more_is_taken_over_and_what_nobody_has_the_ledger_tells(sent):
    before = rows(sent)
    lost = mailing(5)
    delivered, returned, cancelled, cancelled_here, open_ = lost.mails
    hour_ago = int(time.time()) - 3600
    with database.connection_context():
        for mail, state, reason, attempts, edge in (
            (delivered, SendState.DELIVERED, Reason.NONE, 2, 1),
            (returned, SendState.BOUNCED, Reason.LATE_DSN, 1, 1),
            (cancelled, SendState.CANCELLED, Reason.CANCELLED, 0, 1),
            (cancelled_here, SendState.CANCELLED, Reason.CANCELLED, 0, 0),
        ):
            Send.update(state=state, reason=reason, attempts=attempts, edge=edge, settled_at=hour_ago).where(
                Send.message_id == mail.message_id
            ).execute()
    forget_raw_topics()

    made, compared = rebuild()

    assert rows(sent) == before
    assert compared["smtp_messages"].older >= 6
    assert made.from_ledger >= 3
    told = {
        delivered.message_id: "delivered",
        returned.message_id: "bounced",
        cancelled.message_id: "cancelled",
    }
    assert final_states(lost.team_id, lost.broadcast_id) == told
    ((moment, recipient),) = client().execute(
        f"SELECT occurred_at, recipient FROM smtp_messages WHERE message_id = '{delivered.message_id}' "
        "AND type = 'delivered'"
    )
    assert (int(moment.timestamp()), recipient) == (hour_ago, delivered.email)

    again, _ = rebuild(swap=False)
    assert again.from_ledger == 0
    assert numbers(lost) == [4, 0, 0]
    assert open_.send().state == SendState.ACCEPTED


def test_a_damaged_part_of_the_archive_is_passed_over_and_told_and_the_others_are_not(sent, monkeypatch):
    monkeypatch.setattr(archiving, "PART_ROWS", 2)
    old = mailing(6)
    Send.update(state=SendState.DELIVERED, attempts=1, settled_at=1).where(
        Send.broadcast_id == old.broadcast_id
    ).execute()
    with database.connection_context():
        while archiving.advance(old.broadcast_id):
            pass
        _, damaged, _ = ArchivedPart.select().where(ArchivedPart.broadcast == old.broadcast_id)
    file = {"Bucket": settings.s3_bucket, "Key": damaged.object_key}
    written = storage.client().get_object(**file)["Body"].read()
    storage.client().put_object(**file, Body=b"something else")
    archive_parts._kept.cache_clear()

    done = CliRunner().invoke(cli, ["replay", "tables", "--yes"])

    assert done.exit_code == 1
    assert "The tables have been replaced." in done.output
    told = f"{damaged.object_key}: broadcast {old.broadcast_id}, contacts {damaged.lo} to {damaged.hi}; 2 of "
    assert told in done.output
    readable = {mail.message_id for mail in (*old.mails[:2], *old.mails[4:])}
    assert final_states(old.team_id, old.broadcast_id) == dict.fromkeys(readable, "delivered")

    storage.client().put_object(**file, Body=written)
    made, _ = rebuild(swap=False)
    assert made.unreadable == []
    assert made.from_ledger == 2


def forget_raw_topics():
    """As if their retention were over."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_brokers.split(","))
    partitions = [TopicPartition(topic, number) for topic in names.RAW_TOPICS for number in range(3)]
    admin.delete_records(dict.fromkeys(partitions, -1))
    admin.close()


def test_one_at_a_time(stack):
    def try_to():
        with rebuilding():
            pass

    with rebuilding(), ThreadPoolExecutor() as elsewhere, pytest.raises(InProgress):
        elsewhere.submit(try_to).result()
