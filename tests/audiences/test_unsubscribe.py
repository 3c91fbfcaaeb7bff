"""Leaving a list, in MariaDB."""

from datetime import timedelta

import pytest

from sidecars.audiences import contacts
from sidecars.audiences.contacts import ContactFacts
from sidecars.audiences.unsubscribe import unsubscribe, unsubscribe_address
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.models import Contact, now


@pytest.fixture
def contact(audience):
    return contacts.upsert(audience.id, "ada@mail.example", ContactFacts())[0]


def test_the_contact_leaves_its_list_and_can_still_get_receipts(audience, contact):
    at = now()
    assert unsubscribe(contact.id, "one-click", "event-1", at) is True
    row = Contact.get_by_id(contact.id)
    assert (row.status, row.unsubscribed_at) == ("unsubscribed", at)
    assert is_suppressed(audience.team_id, [contact.email], "transactional") == {}


def test_another_list_of_the_team_is_another_matter(audience, contact):
    other = contacts.create_audience(audience.team_id, "Customers")
    there, _ = contacts.upsert(other.id, contact.email, ContactFacts())
    unsubscribe(contact.id, "page", "event-1")
    assert Contact.get_by_id(there.id).status == "subscribed"


def test_a_second_event_changes_nothing(contact):
    first = now()
    unsubscribe(contact.id, "one-click", "event-1", first)
    assert unsubscribe(contact.id, "mailto", "event-2", first + timedelta(hours=1)) is False
    assert Contact.get_by_id(contact.id).unsubscribed_at == first


def test_a_replayed_event_does_not_undo_a_later_subscription(contact):
    at = now()
    unsubscribe(contact.id, "one-click", "event-1", at)
    contacts.update(contact.id, ContactFacts(status="subscribed"))
    Contact.update(subscribed_at=at + timedelta(hours=1)).where(Contact.id == contact.id).execute()
    assert unsubscribe(contact.id, "one-click", "event-1", at) is False
    assert Contact.get_by_id(contact.id).status == "subscribed"


def test_a_contact_that_is_gone_is_no_error(contact):
    Contact.delete().where(Contact.id == contact.id).execute()
    assert unsubscribe(contact.id, "page", "event-1") is False


def test_a_mail_of_no_audience_keeps_the_address_from_broadcasts_alone(audience):
    unsubscribe_address(audience.team_id, "Bob@mail.example", "mailto", "event-1")
    unsubscribe_address(audience.team_id, "bob@mail.example", "mailto", "event-1")
    assert is_suppressed(audience.team_id, ["bob@mail.example"], "broadcast") == {
        "bob@mail.example": "unsubscribe"
    }
    assert is_suppressed(audience.team_id, ["bob@mail.example"], "transactional") == {}
