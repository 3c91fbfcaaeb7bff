"""What teams' apps are told of their mails, from raw events on."""

from uuid import UUID

from sidecars import names
from sidecars.callbacks import deliveries
from sidecars.deliverability.erasures import erase
from sidecars.models import WebhookDelivery, database
from tests.listening import listen, told
from tests.mailing import mailing
from tests.raw_events import arf, click_event, dsn, inbound, mta_event, open_event, refused, unsubscribe_event
from tests.support import wait_for


def test_each_event_of_a_mail_is_told_once_with_what_is_known_of_it(enricher, feed):
    sent, unheard = mailing(5), mailing(1)
    endpoint = listen(sent.team_id)
    ada, bob, cyd, dan, eve = sent.mails
    statuses = [
        mta_event("accepted", ada.message_id, recipient=ada.email, tag="spring", metadata={"a": "b"}),
        mta_event("deferred", ada.message_id, recipient=ada.email, code=451, next_attempt_in_s=30),
        mta_event("delivered", ada.message_id, recipient=ada.email, attempt=2),
        mta_event("delivered", unheard.mails[0].message_id),
        refused(bob.message_id, 550, "5.1.1", "No such user here", recipient=bob.email),
        inbound(cyd.message_id, arf()),
        inbound(dan.message_id, dsn("failed", "5.1.1", "550 5.1.1 unknown user")),
    ]
    opened, clicked, left = (
        open_event(ada.message_id),
        click_event(ada.message_id, 0),
        unsubscribe_event(eve.message_id, "one-click"),
    )
    for _ in range(2):  # as a record that is read again
        feed(names.TOPIC_STATUSES, statuses)
        feed(names.TOPIC_OPENS, [opened])
        feed(names.TOPIC_CLICKS, [clicked, left])
    last = inbound(eve.message_id, dsn("failed", "5.1.1", "550 5.1.1 unknown user"))
    feed(names.TOPIC_STATUSES, [last])
    wait_for(lambda: sum(type_ == "email.bounced" for type_, _ in told(endpoint)) == 3)
    wait_for(lambda: len(told(endpoint)) >= 13)

    events = told(endpoint)
    of = {
        mail.email: [type_ for type_, data in events if data.get("recipient") == mail.email]
        for mail in sent.mails
    }
    assert sorted(of[ada.email]) == [
        f"email.{it}" for it in ("accepted", "clicked", "deferred", "delivered", "opened")
    ]
    assert of[bob.email] == of[dan.email] == ["email.bounced"]
    assert of[cyd.email] == ["email.complained"]
    assert sorted(of[eve.email]) == ["email.bounced", "email.unsubscribed"]
    suppressed = [data["address"] for type_, data in events if type_ == "address.suppressed"]
    assert sorted(suppressed) == sorted(mail.email for mail in (bob, cyd, dan, eve))
    by_type = dict(events)
    assert by_type["email.accepted"] == {
        "email_id": f"msg_{ada.message_id.hex}",
        "recipient": ada.email,
        "stream": "broadcast",
        "broadcast_id": f"bc_{sent.broadcast_id}",
        "contact_id": f"con_{ada.whose.contact_id}",
        "from_domain": "news.example",
        "provider": "bigmail",
        "attempt": 1,
        "tag": "spring",
        "metadata": {"a": "b"},
    }
    assert (by_type["email.deferred"]["code"], by_type["email.deferred"]["next_attempt_in_s"]) == (451, 30)
    assert by_type["email.opened"]["verdict"]
    assert by_type["email.clicked"]["url"] == "https://shop.example/spring"
    assert by_type["email.unsubscribed"]["method"] == "one-click"
    with database.connection_context():
        ids = {
            row.event_id for row in WebhookDelivery.select().where(WebhookDelivery.endpoint == endpoint.id)
        }
        assert {UUID(event["event_id"]) for event in (*statuses[:3], opened, clicked, left)} <= ids

        # What a person's erasure takes away, it takes from here too.
        erase(sent.team_id, ada.email.upper())
        assert deliveries.waiting([endpoint.id]) == {endpoint.id: len(events) - 5}


def test_an_endpoint_of_one_stream_is_not_told_of_the_other(enricher, feed):
    sent = mailing(1)
    broadcasts, transactional = listen(sent.team_id, "broadcast"), listen(sent.team_id, "transactional")
    feed(names.TOPIC_STATUSES, [mta_event("delivered", sent.mails[0].message_id)])
    wait_for(lambda: [type_ for type_, _ in told(broadcasts)] == ["email.delivered"])
    assert told(transactional) == []
