from datetime import UTC, datetime

import pytest

from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.states import Reason, SendState
from sidecars.broadcasts.why import why
from sidecars.models import Broadcast, Contact, ContactTag, Segment, Send, Tag


def contact_of(broadcast, position=0):
    contacts = Contact.select().where(Contact.audience == broadcast.audience_id).order_by(Contact.id)
    return contacts[position]


def test_a_mail_is_explained_by_its_state_and_reason(planned):
    broadcast = planned(2)
    contact = contact_of(broadcast)
    move_sends(broadcast.id, [contact.id], {SendState.PLANNED}, SendState.SKIPPED, Reason.UNSUBSCRIBED)

    told = why(broadcast, contact.email)

    assert told.sentence == "It was not sent. The person unsubscribed."
    assert told.mail.message_id == Send.get(broadcast_id=broadcast.id, contact_id=contact.id).message_id


def test_an_address_is_found_in_any_case(planned):
    broadcast = planned(1)

    assert why(broadcast, f" {contact_of(broadcast).email.upper()} ").mail is not None


def test_a_stranger_is_told_apart(planned):
    told = why(planned(1), "stranger@mailbox.example")

    assert told.mail is None
    assert "no contact of the broadcast's audience" in told.sentence


def test_nobody_is_chosen_before_it_is_published(people, draft):
    broadcast = draft(people(1).audience)

    assert "not published" in why(broadcast, contact_of(broadcast).email).sentence


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"status": "unsubscribed", "unsubscribed_at": datetime(2026, 11, 20, 9, 30, tzinfo=UTC)},
            "they are unsubscribed from the audience (on 2026-11-20 09:30 UTC)",
        ),
        ({"status": "pending"}, "have not confirmed their subscription"),
    ],
)
def test_who_may_not_be_written_to_was_not_chosen(people, draft, fields, words):
    from sidecars.broadcasts.plan import plan
    from sidecars.broadcasts.publish import publish

    audience = people(2).audience
    broadcast = draft(audience)
    contact = contact_of(broadcast)
    Contact.update(**fields).where(Contact.id == contact.id).execute()
    publish(broadcast.id)
    plan(broadcast.id)

    assert words in why(Broadcast.get_by_id(broadcast.id), contact.email).sentence


def test_who_is_not_in_the_segment_was_not_chosen(people, draft):
    from sidecars.broadcasts.plan import plan
    from sidecars.broadcasts.publish import publish

    audience = people(2).audience
    segment = Segment.create(audience=audience, name="Gardeners", filter={"tag": "garden"})
    broadcast = draft(audience, segment=segment)
    ContactTag.create(tag=Tag.create(audience=audience, name="garden"), contact=contact_of(broadcast, 1))
    publish(broadcast.id)
    plan(broadcast.id)

    assert (
        "not in the broadcast's segment"
        in why(Broadcast.get_by_id(broadcast.id), contact_of(broadcast).email).sentence
    )


def test_who_came_later_was_not_chosen(planned):
    broadcast = planned(1)
    Contact.create(audience=broadcast.audience_id, email="late@mailbox.example")

    assert "added when the broadcast had been planned" in why(broadcast, "late@mailbox.example").sentence
