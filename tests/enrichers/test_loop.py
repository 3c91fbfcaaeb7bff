import threading
from uuid import uuid4

import pytest

from sidecars import names, streams
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.enrichers import handlers
from sidecars.enrichers.dead import replay
from sidecars.enrichers.loop import Loop
from sidecars.models import Email, Send, database
from tests.enrichers.conftest import running_loop
from tests.kafka_topics import watch
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


@pytest.fixture
def dead_statuses(stack):
    with watch(names.dead_topic(names.TOPIC_STATUSES)) as records:
        yield records


def settled(mail, state):
    return wait_for(lambda: mail.send().state == state and mail.send())


def test_what_the_edge_reports_moves_the_ledger(enricher, feed):
    delivered, bounced, deferred, late = (mailing(4).mails)[:4]
    feed(
        names.TOPIC_STATUSES,
        [
            mta_event("delivered", delivered.message_id, attempt=2),
            refused(bounced.message_id, 550, "5.1.1", "No such user here", recipient=bounced.email),
            mta_event("deferred", deferred.message_id, code=451),
            mta_event("delivered", late.message_id),
            inbound(late.message_id, dsn("failed", "5.1.1", "550 5.1.1 unknown user")),
        ],
    )

    assert settled(delivered, SendState.DELIVERED).attempts == 2
    assert settled(bounced, SendState.BOUNCED).reason == Reason.HARD_BOUNCE
    assert settled(late, SendState.BOUNCED).reason == Reason.LATE_DSN
    assert deferred.send().state == SendState.ACCEPTED


def test_an_unknown_fate_stands_till_the_edge_or_a_dsn_clears_it_up(enricher, feed):
    unknown, delivered, bounced, deferred = mailing(4).mails
    feed(
        names.TOPIC_STATUSES,
        [mta_event("unknown", mail.message_id) for mail in (unknown, delivered, bounced)],
    )
    feed(
        names.TOPIC_STATUSES,
        [
            mta_event("unknown", deferred.message_id),
            mta_event("deferred", deferred.message_id, code=451),
            mta_event("delivered", delivered.message_id, attempt=2),
            inbound(bounced.message_id, dsn("failed", "5.1.1", "550 5.1.1 unknown user")),
        ],
    )

    settled(delivered, SendState.DELIVERED)
    assert settled(bounced, SendState.BOUNCED).reason == Reason.LATE_DSN
    assert settled(unknown, SendState.UNKNOWN)
    assert settled(deferred, SendState.UNKNOWN)


def test_hard_bounces_are_suppressed_whether_they_come_at_once_or_later(enricher, feed):
    sent = mailing(2)
    at_once, later = sent.mails
    feed(
        names.TOPIC_STATUSES,
        [
            refused(at_once.message_id, 550, "5.1.1", "No such user here", recipient=at_once.email),
            inbound(later.message_id, dsn("failed", "5.1.1", "550 5.1.1 unknown user")),
        ],
    )

    settled(later, SendState.BOUNCED)
    with database.connection_context():
        both = {at_once.email: "hard_bounce", later.email: "hard_bounce"}
        wait_for(lambda: is_suppressed(sent.team_id, both, "transactional") == both)


def test_reports_in_any_order_and_twice_lead_to_the_same_ledger(enricher, feed):
    mail = mailing(1).mails[0]
    delivered = mta_event("delivered", mail.message_id)
    deferred = mta_event("deferred", mail.message_id, attempt=1, code=451)
    bounced = inbound(mail.message_id, dsn("failed", "5.1.1", "550 5.1.1 unknown user"))
    for events in ([bounced], [deferred, delivered], [delivered, bounced], [deferred]):
        feed(names.TOPIC_STATUSES, events)
    last = mailing(1).mails[0]
    for _ in range(3):  # a record for each partition, behind the others
        feed(names.TOPIC_STATUSES, [mta_event("delivered", last.message_id)])

    settled(last, SendState.DELIVERED)
    assert settled(mail, SendState.BOUNCED).reason == Reason.LATE_DSN


@pytest.mark.parametrize("said", [{"stream": "transactional"}, {"stream": "broadcast", "submitted": True}])
@pytest.mark.parametrize("order", [("accepted", "delivered"), ("delivered", "accepted")])
def test_a_mail_submitted_by_smtp_enters_the_ledger_by_whichever_event_comes_first(
    enricher, feed, order, said
):
    team_id = mailing(0).team_id
    message_id = uuid4()
    for type_ in order:
        event = mta_event(type_, message_id, team_id=team_id, recipient="b@people.example", **said)
        feed(names.TOPIC_STATUSES, [event])

    def send():
        with database.connection_context():
            return Send.get_or_none(Send.message_id == message_id)

    row = wait_for(lambda: (found := send()) and found.state == SendState.DELIVERED and found)
    assert (row.broadcast_id, row.team_id) == (0, team_id)
    with database.connection_context():
        assert Email.get_by_id(row.contact_id).recipient == "b@people.example"


@pytest.mark.parametrize("order", [("accepted", "delivered"), ("delivered", "accepted")])
def test_a_dsn_bounces_its_own_recipient_of_a_mail_that_was_submitted_to_several(enricher, feed, order):
    team_id = mailing(0).team_id
    people = {f"{name}@people.example": uuid4() for name in ("ann", "bob", "cleo")}
    for type_ in order:
        feed(
            names.TOPIC_STATUSES,
            [
                mta_event(
                    type_,
                    message_id,
                    team_id=team_id,
                    stream="transactional",
                    recipient=address,
                    queue_id="0A1B.1" if type_ == "accepted" else str(message_id),
                )
                for address, message_id in people.items()
            ],
        )

    def sends():
        with database.connection_context():
            found = Send.select().where(Send.message_id.in_(list(people.values())))
            states = {send.message_id: send.state for send in found}
        return [states.get(message_id) for message_id in people.values()]

    def submissions():
        with database.connection_context():
            return [e.submission for e in Email.select().where(Email.message_id.in_(list(people.values())))]

    wait_for(lambda: submissions() == ["0A1B.1"] * 3)
    wait_for(lambda: sends() == [SendState.DELIVERED] * 3)
    feed(
        names.TOPIC_STATUSES,
        [
            inbound(
                people["ann@people.example"], dsn("failed", "5.1.1", "550 unknown user", "BOB@people.example")
            )
        ],
    )

    wait_for(lambda: sends() == [SendState.DELIVERED, SendState.BOUNCED, SendState.DELIVERED])
    with database.connection_context():
        assert wait_for(lambda: is_suppressed(team_id, list(people), "transactional")) == {
            "bob@people.example": "hard_bounce"
        }


def test_a_submitted_mail_of_a_team_that_there_is_not_is_buried(enricher, feed, dead_statuses):
    stranger = mta_event("accepted", uuid4(), team_id=4_000_000_000, stream="transactional")
    feed(names.TOPIC_STATUSES, [stranger])

    assert dead_statuses.wait_for_events(1) == [stranger]


def test_an_unsubscribe_moves_the_contact_once(enricher, feed):
    mail = mailing(1).mails[0]
    feed(names.TOPIC_CLICKS, [unsubscribe_event(mail.message_id, "one-click")] * 2)

    contact = wait_for(lambda: mail.contact().status == "unsubscribed" and mail.contact())
    assert contact.unsubscribed_at is not None


def test_a_mail_to_the_unsubscribe_address_moves_the_contact(enricher, feed):
    mail = mailing(1).mails[0]
    feed(names.TOPIC_STATUSES, [inbound(mail.message_id, b"To: u-token@kb.news.example\r\n\r\n")])

    wait_for(lambda: mail.contact().status == "unsubscribed")


def test_rows_carry_whose_mail_it_is_though_redis_forgot(enricher, feed):
    mail = mailing(1).mails[0]
    mail.forget_in_redis()
    with watch(names.TOPIC_CH_OPENS) as rows:
        feed(names.TOPIC_OPENS, [open_event(mail.message_id)])
        (row,) = rows.wait_for_events(1)

    assert (row["team_id"], row["broadcast_id"], row["contact_id"], row["variant_id"]) == mail.whose


def test_the_first_clicks_of_a_scanner_are_judged_again_when_the_others_come(enricher, feed):
    mail = mailing(1).mails[0]
    first, *others = (click_event(mail.message_id, index) for index in range(3))
    with watch(names.TOPIC_CH_CLICKS) as rows:
        feed(names.TOPIC_CLICKS, [first])
        assert rows.wait_for_events(1)[0]["verdict"] == "person"
        feed(names.TOPIC_CLICKS, others)
        latest = {row["event_id"]: row["verdict"] for row in rows.wait_for_events(4)}

    assert latest == {event["event_id"]: "scanner" for event in (first, *others)}


def test_a_click_has_the_link_as_the_author_wrote_it(enricher, feed):
    mail = mailing(1).mails[0]
    with watch(names.TOPIC_CH_CLICKS) as rows:
        feed(names.TOPIC_CLICKS, [click_event(mail.message_id, 1)])
        assert rows.wait_for_events(1)[0]["url"] == "https://shop.example/?who={{ contact.email }}"


def test_an_event_that_cannot_be_processed_is_buried_and_its_neighbours_go_on(enricher, feed, dead_statuses):
    mails = mailing(4).mails
    good = [mta_event("delivered", mail.message_id) for mail in mails]
    stranger = mta_event("delivered", uuid4())
    feed(
        names.TOPIC_STATUSES,
        raw=streams.ndjson(good[:2])
        + b"\nnot json\n"
        + streams.ndjson([stranger])
        + b"\n[1]\n"
        + streams.ndjson(good[2:]),
    )

    for mail in mails:
        settled(mail, SendState.DELIVERED)
    dead = wait_for(lambda: len(dead_statuses.read()) == 3 and dead_statuses.all)
    reasons = {record.value[:5]: dict(record.headers)["reason"].decode() for record in dead}
    assert reasons[b"not j"].startswith("not JSON")
    assert "unknown message id" in reasons.values()
    headers = dict(dead[0].headers)
    assert headers["topic"] == names.TOPIC_STATUSES.encode()
    assert headers["partition"].isdigit()
    assert headers["offset"].isdigit()


def test_dead_letters_are_played_again_when_their_reason_is_gone(enricher, feed, dead_statuses):
    replay(names.TOPIC_STATUSES, 10_000)  # what earlier tests left
    wait_for(lambda: enricher.check_lag() == "0 records behind")
    mail = mailing(1).mails[0]
    with database.connection_context():
        row = mail.send()
        row.delete_instance()
    mail.forget_in_redis()
    feed(names.TOPIC_STATUSES, [mta_event("delivered", mail.message_id)])
    wait_for(
        lambda: (
            mail.message_id.hex in b"".join(r.value for r in dead_statuses.read()).decode().replace("-", "")
        )
    )

    with database.connection_context():
        row.save(force_insert=True)
    assert replay(names.TOPIC_STATUSES, 10_000) >= 1

    settled(mail, SendState.DELIVERED)


def test_only_raw_topics_have_dead_letters():
    with pytest.raises(ValueError, match="smtp_email_opens"):
        replay("clickhouse_smtp_messages", 1)


@pytest.mark.parametrize("service", ["redis", "mariadb", "kafka"])
def test_while_a_service_is_down_events_wait_and_none_is_lost_or_buried(
    enricher, feed, stack, service, dead_statuses, caplog
):
    mail = mailing(1).mails[0]
    down = next(each for each in stack.services if each.name == service)
    if service == "kafka":
        feed(names.TOPIC_STATUSES, [mta_event("delivered", mail.message_id)])
    down.stop()
    try:
        if service != "kafka":
            feed(names.TOPIC_STATUSES, [mta_event("delivered", mail.message_id)])
            wait_for(lambda: "a service is away" in caplog.text)
    finally:
        down.start()

    wait_for(lambda: mail.send().state == SendState.DELIVERED)
    assert dead_statuses.events() == []


class Killed(BaseException):
    """What ends a loop at once."""


def test_a_loop_that_died_before_it_committed_leaves_its_records_to_the_next(stack, feed):
    def die(_):
        raise Killed

    group = f"test-{uuid4()}"
    mail = mailing(1).mails[0]
    feed(names.TOPIC_STATUSES, [mta_event("delivered", mail.message_id)])
    dying = Loop(
        {names.TOPIC_STATUSES: die}, streams.consumer(group, [names.TOPIC_STATUSES]), streams.producer()
    )
    with pytest.raises(Killed):
        dying.run(threading.Event())
    dying.consumer.close(autocommit=False)
    assert mail.send().state == SendState.ACCEPTED

    with running_loop(handlers.HANDLERS, group):
        settled(mail, SendState.DELIVERED)
