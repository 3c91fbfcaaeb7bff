"""Two contacts that become one, in MariaDB."""

from datetime import UTC, datetime

import pytest

from sidecars.audiences import contacts, history, merging, tags
from sidecars.audiences.contacts import ContactFacts
from sidecars.audiences.merging import NotMergeable
from sidecars.audiences.unsubscribe import leave
from sidecars.deliverability import erasures
from sidecars.edge.messages import Attribution
from sidecars.models import Contact, MergedContact, SubscriptionChange


def made(audience, address, *facts, **more):
    return contacts.upsert(audience.id, address, ContactFacts(*facts, **more))[0]


def test_the_kept_one_gets_what_it_lacks_and_leads_from_both_ids(audience):
    kept = made(audience, "ada@mail.example", "Ada", properties={"city": "London"}, tags=["a", "b"])
    gone = made(
        audience, "a@mail.example", "A.", "Lovelace", properties={"city": "Paris", "age": 36}, tags=["b", "c"]
    )
    third = made(audience, "x@mail.example")
    merging.merge(gone, third, "key_1")
    merged = merging.merge(kept, gone, "key_1")

    row = Contact.get_by_id(kept.id)
    assert (row.email, row.first_name, row.last_name) == ("ada@mail.example", "Ada", "Lovelace")
    assert row.properties == {"city": "London", "age": 36}
    assert tags.of_contacts([kept.id]) == {kept.id: ["a", "b", "c"]}
    assert merged.status == "subscribed"
    assert merging.ids_of(kept.id) == [kept.id, gone.id, third.id]
    for former in (gone, third):
        assert contacts.contact_of(audience.team_id, former.id) == row
        assert contacts.contact_of(audience.team_id + 1, former.id) is None
    assert [entry.source for entry in history.of_contact(row, audience.team_id)] == ["api"] * 3


def test_who_left_by_either_address_has_left(audience):
    kept, gone = made(audience, "ada@mail.example"), made(audience, "a@mail.example", status="unsubscribed")
    assert merging.merge(kept, gone).status == "unsubscribed"
    assert history.of_contact(kept, audience.team_id)[0].source == "merge"

    kept, gone = made(audience, "bob@mail.example"), made(audience, "b@mail.example")
    merging.merge(kept, gone)
    whose = Attribution(audience.team_id, 7, gone.id, 1)  # a mail from before
    leave(whose, "one-click", "event-1", datetime.now(UTC), "192.0.2.7", "Mail app")
    assert Contact.get_by_id(kept.id).status == "unsubscribed"
    newest = history.of_contact(kept, audience.team_id)[0]
    assert newest[:2] == ("unsubscribed", "one-click")
    assert (newest.ip, newest.user_agent, newest.reference) == ("192.0.2.7", "Mail app", "event-1")


def test_only_two_contacts_of_one_audience_become_one(audience):
    other = contacts.create_audience(audience.team_id, "Others")
    one, there = made(audience, "ada@mail.example"), made(other, "ada@mail.example")
    for contact, second in ((one, one), (one, there)):
        with pytest.raises(NotMergeable):
            merging.merge(contact, second)
    contacts.delete(there.id)
    assert Contact.select().where(Contact.id == one.id).exists()


def test_an_erasure_leaves_nothing_of_a_merged_contact(audience):
    kept, gone = made(audience, "ada@mail.example"), made(audience, "a@mail.example")
    merging.merge(kept, gone)
    erasures.erase(audience.team_id, "ada@mail.example")
    for model in (SubscriptionChange, MergedContact):
        assert not model.select().where(model.contact == kept.id).exists()
