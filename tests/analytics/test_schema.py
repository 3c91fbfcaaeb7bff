from uuid import uuid4

import pytest

from sidecars import names
from sidecars.analytics import schema
from sidecars.analytics.client import client
from tests.support import wait_for

NOW = "2026-11-24T10:15:30.125Z"


def row(**fields):
    return {
        "event_id": str(uuid4()),
        "type": "delivered",
        "occurred_at": NOW,
        "team_id": 1,
        "broadcast_id": 2,
        "contact_id": 3,
        "message_id": str(uuid4()),
        "processed_at": NOW,
    } | fields


def count(team_id):
    (rows,) = client().execute(
        "SELECT count() FROM smtp_messages FINAL WHERE team_id = {team:UInt32}", {"team": team_id}
    )
    return rows[0]


def objects():
    found = client().execute(
        "SELECT name, toString(uuid) FROM system.tables WHERE database = currentDatabase()"
    )
    return dict(found)


def test_applying_it_again_changes_nothing(stack):
    before = objects()

    schema.apply()

    assert objects() == before
    assert {"smtp_messages", "smtp_email_opens", "smtp_email_clicks", "ingest_errors"} < set(before)


def test_a_table_of_an_older_release_gets_the_columns_that_it_lacks(stack, feed):
    # Another release's ingestion is made anew, as one that is not whole.
    client().execute("DROP TABLE smtp_messages_queue SYNC")
    for later in ("tls_version", "connection_mail"):
        client().execute(f"ALTER TABLE smtp_messages DROP COLUMN {later}")

    schema.apply()

    team = 800_006
    feed(names.TOPIC_CH_MESSAGES, [row(team_id=team, tls_version="TLSv1.3", connection_mail=7)])
    wait_for(lambda: count(team) == 1)
    told = client().execute("SELECT tls_version, connection_mail FROM smtp_messages WHERE team_id = 800006")
    assert told == [("TLSv1.3", 7)]


def test_a_queue_is_made_anew_when_the_brokers_change_and_goes_on_where_it_was(stack, feed, monkeypatch):
    team = 800_001
    feed(names.TOPIC_CH_MESSAGES, [row(team_id=team)])
    wait_for(lambda: count(team) == 1)
    before = objects()

    # The same broker by another name.
    elsewhere = schema.settings.model_copy(
        update={"clickhouse_kafka_brokers": schema.settings.kafka_brokers.replace("127.0.0.1", "localhost")}
    )
    monkeypatch.setattr(schema, "settings", elsewhere)
    schema.apply()

    after = objects()
    assert after["smtp_messages_queue"] != before["smtp_messages_queue"]
    assert after["smtp_messages"] == before["smtp_messages"]
    feed(names.TOPIC_CH_MESSAGES, [row(team_id=team)])
    wait_for(lambda: count(team) == 2)
    monkeypatch.undo()
    schema.apply()


def test_a_half_made_ingestion_is_completed(stack):
    client().execute("DROP TABLE smtp_email_opens_errors SYNC")

    schema.apply()

    assert "smtp_email_opens_errors" in objects()


def test_an_event_that_comes_twice_is_one_row(stack, feed):
    team = 800_002
    twice = row(team_id=team)
    feed(names.TOPIC_CH_MESSAGES, [twice, row(team_id=team)])
    feed(names.TOPIC_CH_MESSAGES, [twice])
    feed(names.TOPIC_CH_MESSAGES, [row(team_id=team + 1)] * 3)

    wait_for(lambda: count(team + 1) == 1)
    wait_for(lambda: count(team) == 2)


def test_an_event_that_is_processed_again_replaces_its_row(stack, feed):
    team = 800_004
    first = row(team_id=team, reason="blocked")
    feed(
        names.TOPIC_CH_MESSAGES,
        [first | {"processed_at": "2026-11-25T00:00:00.000Z", "reason": "hard_bounce"}],
    )
    feed(names.TOPIC_CH_MESSAGES, [first])

    def reasons():
        return client().execute(
            "SELECT reason FROM smtp_messages FINAL WHERE team_id = {team:UInt32}", {"team": team}
        )

    def raw_rows():
        return client().execute(
            "SELECT count() FROM smtp_messages WHERE team_id = {team:UInt32}", {"team": team}
        )

    wait_for(lambda: raw_rows() == [(2,)] or reasons() == [("hard_bounce",)])
    assert reasons() == [("hard_bounce",)]


def test_a_record_that_cannot_be_parsed_is_kept_whole_with_its_error(stack, feed):
    team = 800_007
    feed(names.TOPIC_CH_OPENS, raw=b'{"event_id": "nonsense"}')
    feed(names.TOPIC_CH_MESSAGES, [row(team_id=team)])

    def errors():
        return client().execute(
            "SELECT error, record FROM ingest_errors WHERE topic = {topic:String}",
            {"topic": names.TOPIC_CH_OPENS},
        )

    ((error, record),) = wait_for(errors)
    assert "event_id" in error
    assert record == '{"event_id": "nonsense"}'
    wait_for(lambda: count(team) == 1)


@pytest.mark.parametrize("unknown", [{"of_a_newer_enricher": 1}])
def test_a_row_with_a_column_of_a_newer_enricher_is_taken_without_it(stack, feed, unknown):
    team = 800_005
    feed(names.TOPIC_CH_MESSAGES, [row(team_id=team, **unknown)])

    wait_for(lambda: count(team) == 1)
