"""The ledger's move to S3, on the real MariaDB and S3: broadcasts of seven recipients, in parts of three."""

from datetime import timedelta
from functools import partial
from itertools import count, cycle

import pymysql
import pytest

from sidecars import names
from sidecars.archive import parts
from sidecars.archive.sends import find_sends, read_sends
from sidecars.broadcasts import archiving, compare, ledger, mails
from sidecars.broadcasts.archiving import advance, check, due
from sidecars.broadcasts.balance import balance
from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.finish import finish
from sidecars.broadcasts.handover import PLANNED
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.reconcile import reconcile
from sidecars.broadcasts.settle import Settlement, settle
from sidecars.broadcasts.slices import close, take_slice
from sidecars.broadcasts.states import Reason, SendState
from sidecars.broadcasts.why import why
from sidecars.edge.messages import resolve
from sidecars.edge.store import redis
from sidecars.models import ArchivedPart, Broadcast, Contact, Send, SendSlice, database, now
from sidecars.settings import settings
from sidecars.storage import client
from tests.broadcasts.books import EDGE, in_clickhouse
from tests.broadcasts.interruptions import How, Interruption, cursor, run

S = SendState
RECIPIENTS = 7


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(archiving, "PART_ROWS", 3)
    monkeypatch.setattr(archiving, "DROPPED_AT_ONCE", 2)
    parts._kept.cache_clear()
    yield
    # What a test leaves half done is not the next one's to finish.
    ArchivedPart.update(dropped_at=now()).where(ArchivedPart.dropped_at.is_null()).execute()


@pytest.fixture
def ended(planned):
    """`ended(days)` is a broadcast that ended so long ago: all delivered, but one skipped and one bounced."""

    def make(days=100, outcome=S.DELIVERED, recipients=RECIPIENTS):
        broadcast = planned(recipients)
        piece = take_slice(broadcast.id)
        skipped, bounced, *others = contact_ids(broadcast)
        move_sends(broadcast.id, [skipped], PLANNED, S.SKIPPED, Reason.UNSUBSCRIBED)
        move_sends(broadcast.id, [bounced, *others], PLANNED, S.ACCEPTED)
        close(piece)
        finish(broadcast.id)
        settle([Settlement(broadcast.id, bounced, S.BOUNCED, Reason.HARD_BOUNCE, attempts=2)])
        if outcome is not S.ACCEPTED:
            settle([Settlement(broadcast.id, contact_id, outcome) for contact_id in others])
        Broadcast.update(finished_at=now() - timedelta(days=days)).where(
            Broadcast.id == broadcast.id
        ).execute()
        return Broadcast.get_by_id(broadcast.id)

    return make


def contact_ids(broadcast):
    return [row.contact_id for row in read_sends(broadcast.id)]


def archive(broadcast):
    while advance(broadcast.id):
        pass


def in_mysql(broadcast):
    return Send.select().where(Send.broadcast_id == broadcast.id).count()


def answers(broadcast):
    """All that the ledger is asked for."""
    first = Contact.get_by_id(contact_ids(broadcast)[0])
    return (
        read_sends(broadcast.id),
        ledger.counts(broadcast.id),
        ledger.progress(broadcast.id).reasons,
        reconcile(broadcast.id),
        mails.page(broadcast.team_id, broadcast.id, after=first.id, limit=4),
        mails.page(broadcast.team_id, broadcast.id, after=0, limit=2, state=S.BOUNCED),
        mails.page(broadcast.team_id + 1, broadcast.id, after=0, limit=9),
        [mails.find(broadcast.team_id, row.message_id) for row in read_sends(broadcast.id)],
        why(broadcast, first.email),
        balance(broadcast),
    )


@pytest.mark.parametrize("bucket", [2, compare.BUCKET])
def test_an_archived_broadcast_answers_as_before(ended, monkeypatch, bucket):
    monkeypatch.setattr(compare, "BUCKET", bucket)
    broadcast = ended()
    _, bounced, *delivered, lost, cancelled = Send.select().where(Send.broadcast_id == broadcast.id)
    at_edge = {"state": S.CANCELLED, "reason": Reason.CANCELLED, "edge": edge_id(EDGE)}
    Send.update(**at_edge).where(Send.message_id == cancelled.message_id).execute()
    in_clickhouse(bounced, "bounced")
    in_clickhouse(bounced, "deferred")
    in_clickhouse(cancelled, "cancelled")
    for send in delivered:
        in_clickhouse(send)
    before = answers(broadcast)
    (told,) = before[-1].messages
    assert (told.message_id, told.ledger, told.clickhouse) == (lost.message_id, "delivered", None)

    archive(broadcast)

    assert answers(broadcast) == before
    in_clickhouse(lost)
    assert balance(broadcast).balanced
    assert reconcile(broadcast.id).balanced
    assert in_mysql(broadcast) == SendSlice.select().where(SendSlice.broadcast == broadcast.id).count() == 0
    assert [part.n for part in broadcast.archived_parts] == [3, 3, 1]


def test_a_visit_is_told_apart_when_redis_and_mysql_have_forgotten_the_mail(ended):
    broadcast = ended()
    row = read_sends(broadcast.id)[4]
    archive(broadcast)
    redis.delete(names.message_key(row.message_id))

    whose = resolve([row.message_id])[row.message_id]

    assert whose == (broadcast.team_id, broadcast.id, row.contact_id, row.variant_id)


def test_only_what_ended_long_ago_and_is_settled_is_due(ended, planned):
    old, older, recent, waiting = ended(91), ended(95), ended(89), ended(91, outcome=S.ACCEPTED)
    sending = planned(RECIPIENTS)

    ours = {each.id for each in (old, older, recent, waiting, sending)}
    assert [id_ for id_ in due(90) if id_ in ours] == [older.id, old.id]
    with pytest.raises(archiving.NotArchivable, match="waits at an edge"):
        check(waiting.id)
    with pytest.raises(archiving.NotArchivable, match="is sending and has not ended"):
        check(sending.id)


def test_what_is_begun_is_taken_on_first(ended):
    older, begun = ended(99), ended(91)
    advance(begun.id)

    assert next(due(90)) == begun.id
    archive(begun)
    assert next(id_ for id_ in due(90) if id_ in (begun.id, older.id)) == older.id


def test_it_may_die_at_any_statement(ended, monkeypatch):
    monkeypatch.setattr(database, "cursor", cursor)
    monkeypatch.setattr(archiving, "PART_ROWS", 2)
    for at, how in zip(count(1), cycle([How.KILLED, How.UNHEARD])):
        broadcast = ended(recipients=3)
        rows, sums = read_sends(broadcast.id), ledger.counts(broadcast.id)
        interruption = Interruption(at, how)

        run(partial(archive, broadcast), interruption)
        assert (read_sends(broadcast.id), ledger.counts(broadcast.id)) == (rows, sums)
        assert set(find_sends([row.message_id for row in rows]).values()) == set(rows)

        run(partial(archive, broadcast))
        assert in_mysql(broadcast) == 0
        assert (read_sends(broadcast.id), ledger.counts(broadcast.id)) == (rows, sums)
        if not interruption.happened:
            break
    assert at > 30


def test_a_report_between_writing_and_dropping_is_kept(ended):
    broadcast = ended()
    last = contact_ids(broadcast)[-1]
    while not Broadcast.get_by_id(broadcast.id).archived_at:
        advance(broadcast.id)
    written = [part.object_key for part in broadcast.archived_parts]

    settle([Settlement(broadcast.id, last, S.BOUNCED, Reason.LATE_DSN)])
    archive(broadcast)

    assert mails.of_contact(broadcast.team_id, broadcast.id, last).reason == Reason.LATE_DSN
    assert ledger.counts(broadcast.id)["bounced"] == 2
    kept = [part.object_key for part in broadcast.archived_parts]
    assert [old == new for old, new in zip(written, kept, strict=True)] == [True, True, False]
    with pytest.raises(client().exceptions.NoSuchKey):
        client().get_object(Bucket=settings.s3_bucket, Key=written[-1])


def test_a_report_on_an_archived_mail_still_counts_once(ended):
    broadcast = ended(outcome=S.UNKNOWN)
    _, bounced, third, *_ = contact_ids(broadcast)
    archive(broadcast)

    reports = [Settlement(broadcast.id, contact_id, S.DELIVERED) for contact_id in (bounced, third)]
    assert (settle(reports), settle(reports)) == (1, 0)
    assert list(due(0)) == [broadcast.id]
    archive(broadcast)

    assert ledger.counts(broadcast.id) | {"delivered": 1, "unknown": 4, "bounced": 1} == ledger.counts(
        broadcast.id
    )
    assert mails.of_contact(broadcast.team_id, broadcast.id, third).state == S.DELIVERED
    assert in_mysql(broadcast) == 0
    assert settle(reports) == 0


def test_one_process_at_a_time(ended, stack):
    broadcast = ended()
    with pymysql.connect(
        host="127.0.0.1",
        port=stack.ports["mysql"],
        user="kibamail",
        password=stack.secrets["mysql_password"],
        database="kibamail",
    ) as other:
        other.cursor().execute("SELECT GET_LOCK(CONCAT(DATABASE(), '.archiving'), 0)")
        with pytest.raises(archiving.Busy, match="try again"):
            advance(broadcast.id)
    assert advance(broadcast.id, patience_seconds=5)


def test_nothing_is_dropped_that_s3_does_not_give_back(ended):
    broadcast = ended()
    while not Broadcast.get_by_id(broadcast.id).archived_at:
        advance(broadcast.id)
    file = {
        "Bucket": settings.s3_bucket,
        "Key": ArchivedPart.get(ArchivedPart.broadcast == broadcast.id).object_key,
    }
    written = client().get_object(**file)["Body"].read()
    client().put_object(**file, Body=b"something else")

    with pytest.raises(parts.DamagedPart, match=file["Key"]):
        archive(broadcast)
    assert in_mysql(broadcast) == RECIPIENTS

    client().put_object(**file, Body=written)
    archive(broadcast)
    assert in_mysql(broadcast) == 0


def test_a_broadcast_without_recipients_is_archived_too(people, draft):
    broadcast = draft(people(1).audience, state="cancelled", finished_at=now() - timedelta(days=100))

    archive(broadcast)

    assert ledger.counts(broadcast.id)["total"] == 0
    assert Broadcast.get_by_id(broadcast.id).archived_at
