from datetime import UTC, datetime

import orjson
import pytest

from sidecars import names
from sidecars.broadcasts import compare
from sidecars.broadcasts.balance import balance
from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.on_the_way import EdgeShare
from sidecars.broadcasts.states import Reason, SendState
from sidecars.edge.store import redis
from sidecars.models import Send
from tests.broadcasts.books import EDGE, in_clickhouse, in_ledger

S = SendState


@pytest.fixture
def broadcast(planned):
    return planned(6)


@pytest.fixture
def sends(broadcast):
    return list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))


@pytest.fixture
def spool():
    """`spool(broadcast, mails)`: what the edge tells."""
    key = names.spool_state_key(EDGE)

    def tell(broadcast, mails, event_bytes=0):
        state = {"mails": mails, "broadcasts": {broadcast.id: mails}, "event_bytes": event_bytes}
        redis.set(key, orjson.dumps(state, option=orjson.OPT_NON_STR_KEYS), ex=10)

    yield tell
    redis.delete(key)


def accept(sends):
    ids = [send.contact_id for send in sends]
    move_sends(sends[0].broadcast_id, ids, {S.PLANNED}, S.ACCEPTED, edge=edge_id(EDGE))


@pytest.mark.parametrize("bucket", [1, 2, compare.BUCKET])
def test_the_mails_that_differ_are_named_though_the_sums_agree(broadcast, sends, monkeypatch, bucket):
    monkeypatch.setattr(compare, "BUCKET", bucket)
    both, ours, theirs, bounced = sends[:4]
    for send in (both, ours):
        in_ledger(send)
    for send in (both, theirs):
        in_clickhouse(send)
    in_ledger(bounced, S.BOUNCED)
    in_clickhouse(bounced, "bounced")
    books = balance(broadcast)
    assert not books.balanced
    assert books.differences == ["the ledger and ClickHouse have the same numbers, but of other mails"]
    assert {(each.message_id, each.ledger, each.clickhouse) for each in books.messages} == {
        (ours.message_id, "delivered", None),
        (theirs.message_id, "planned", "delivered"),
    }
    in_clickhouse(ours)
    in_ledger(theirs)
    assert balance(broadcast).balanced


@pytest.mark.parametrize("bucket", [1, compare.BUCKET])
def test_a_mail_that_an_edge_cancelled_is_so_in_both_and_one_that_none_had_in_the_ledger_alone(
    broadcast, sends, monkeypatch, bucket
):
    monkeypatch.setattr(compare, "BUCKET", bucket)
    at_edge, here, overtaken, only_ours, only_theirs, _ = sends
    ids = [here.contact_id, overtaken.contact_id]
    move_sends(broadcast.id, ids, {S.PLANNED}, S.CANCELLED, Reason.CANCELLED)
    for send in (at_edge, only_ours, overtaken):
        in_ledger(send, S.CANCELLED)
    for send in (at_edge, overtaken, only_theirs):
        in_clickhouse(send, "cancelled")
    books = balance(broadcast)
    assert (books.states["cancelled"], books.clickhouse["cancelled"]) == (4, 3)
    assert books.differences == [
        "the ledger and ClickHouse tell differently of which mails an edge has cancelled"
    ]
    assert {(each.message_id, each.ledger, each.clickhouse) for each in books.messages} == {
        (only_ours.message_id, "cancelled", None),
        (only_theirs.message_id, "planned", "cancelled"),
    }
    in_clickhouse(only_ours, "cancelled")
    in_ledger(only_theirs, S.CANCELLED)
    assert balance(broadcast).balanced


def test_a_mail_differs_since_the_later_of_the_two_learned_of_it(broadcast, sends):
    before = datetime.now(UTC).replace(microsecond=0)
    in_clickhouse(sends[0], "accepted")
    assert balance(broadcast).messages == []
    in_ledger(sends[0])
    (told,) = balance(broadcast).messages
    assert (told.ledger, told.clickhouse) == ("delivered", "accepted")
    assert before <= told.since <= datetime.now(UTC)


def test_accepted_mails_are_looked_for_in_their_edges_spool(broadcast, sends, spool):
    accept(sends[:3])
    assert balance(broadcast).differences == [f"{EDGE} has 3 of the mails, and is not heard of"]
    spool(broadcast, 3, event_bytes=70)
    books = balance(broadcast)
    assert books.balanced
    assert books.on_the_way.edges == [EdgeShare(EDGE, 3, 3, 70)]


def test_a_mail_that_its_edge_has_not_is_missed_once_nothing_is_on_its_way(
    broadcast, sends, spool, monkeypatch
):
    from sidecars.broadcasts import on_the_way

    accept(sends[:3])
    spool(broadcast, 2, event_bytes=70)
    monkeypatch.setattr(on_the_way, "records_waiting", lambda: {"smtp_messages_statuses": 0})
    assert balance(broadcast).balanced
    spool(broadcast, 2)
    assert balance(broadcast).differences == [f"{EDGE} should have 3 of the mails, and has 2"]
    monkeypatch.setattr(on_the_way, "records_waiting", lambda: {"smtp_messages_statuses": 1})
    assert balance(broadcast).balanced


def test_records_that_the_enricher_has_not_read_are_told(broadcast, spool):
    from sidecars import streams

    with streams.producer() as producer:
        consumer = streams.consumer(names.ENRICHER_GROUP, names.RAW_TOPICS)
        consumer.poll(timeout_ms=1000)
        consumer.commit()
        before = balance(broadcast).on_the_way.records
        producer.send(names.TOPIC_OPENS, b"{}").get(timeout=60)
        after = balance(broadcast).on_the_way.records
        consumer.close(autocommit=False)
    assert after[names.TOPIC_OPENS] == before[names.TOPIC_OPENS] + 1
