"""Contacts one at a time, in MariaDB."""

import pytest

from sidecars.audiences import contacts, counting, properties, tags
from sidecars.audiences.contacts import AudienceExists, ContactFacts, PropertyMismatch
from sidecars.models import Contact, PropertyDefinition, Team


def test_an_audiences_name_is_the_teams_only_once(audience):
    with pytest.raises(AudienceExists):
        contacts.create_audience(audience.team_id, audience.name)
    contacts.create_audience(Team.create(name="Other").id, audience.name)


def test_a_new_contact_is_subscribed(audience):
    contact, is_new = contacts.upsert(audience.id, "Ada@Mail.example", ContactFacts(first_name="Ada"))
    assert is_new
    row = Contact.get_by_id(contact.id)
    assert (row.email, row.first_name, row.status) == ("ada@mail.example", "Ada", "subscribed")
    assert row.subscribed_at is not None


def test_the_same_address_is_the_same_contact(audience):
    first, _ = contacts.upsert(audience.id, "ada@mail.example", ContactFacts(first_name="Ada"))
    again, is_new = contacts.upsert(audience.id, "ADA@mail.example", ContactFacts(last_name="Lovelace"))
    assert (again.id, is_new) == (first.id, False)
    row = Contact.get_by_id(first.id)
    assert (row.first_name, row.last_name) == ("Ada", "Lovelace")


def test_accents_tell_people_apart(audience):
    one, _ = contacts.upsert(audience.id, "josé@mail.example", ContactFacts())
    other, is_new = contacts.upsert(audience.id, "jose@mail.example", ContactFacts())
    assert is_new
    assert one.id != other.id


def test_adding_again_does_not_subscribe_who_left(audience):
    contact, _ = contacts.upsert(audience.id, "ada@mail.example", ContactFacts())
    contacts.update(contact.id, ContactFacts(status="unsubscribed"))
    again, _ = contacts.upsert(audience.id, "ada@mail.example", ContactFacts(status="subscribed"))
    assert again.status == "unsubscribed"
    assert contacts.update(contact.id, ContactFacts(status="subscribed")).status == "subscribed"


def test_properties_are_declared_by_use_and_merged(audience):
    contact, _ = contacts.upsert(
        audience.id, "ada@mail.example", ContactFacts(properties={"city": "London", "age": 36})
    )
    contacts.update(contact.id, ContactFacts(properties={"age": 37, "likes": ["tea"], "city": None}))
    assert Contact.get_by_id(contact.id).properties == {"age": 37, "likes": ["tea"]}
    assert properties.declared(audience.id) == {"city": "text", "age": "number", "likes": "list"}


def test_a_value_of_another_kind_changes_nothing(audience):
    contact, _ = contacts.upsert(audience.id, "ada@mail.example", ContactFacts(properties={"age": 36}))
    with pytest.raises(PropertyMismatch) as error:
        contacts.update(contact.id, ContactFacts(first_name="X", properties={"new": 1, "age": "old"}))
    assert error.value.name == "age"
    row = Contact.get_by_id(contact.id)
    assert (row.first_name, row.properties) == ("", {"age": 36})
    assert (
        not PropertyDefinition.select()
        .where(PropertyDefinition.audience == audience, PropertyDefinition.name == "new")
        .exists()
    )


@pytest.mark.parametrize("name", ["", "With Space", "Ünï", "x" * 65, "a.b"])
def test_a_propertys_name_is_a_word(audience, name):
    with pytest.raises(PropertyMismatch):
        contacts.upsert(audience.id, "ada@mail.example", ContactFacts(properties={name: 1}))


def test_tags_are_set_exactly(audience):
    contact, _ = contacts.upsert(audience.id, "ada@mail.example", ContactFacts(tags=["a", "b"]))
    contacts.update(contact.id, ContactFacts(tags=["b", "c"]))
    assert tags.of_contacts([contact.id]) == {contact.id: ["b", "c"]}
    contacts.update(contact.id, ContactFacts(first_name="Ada"))
    assert tags.of_contacts([contact.id]) == {contact.id: ["b", "c"]}
    contacts.update(contact.id, ContactFacts(tags=[]))
    assert tags.of_contacts([contact.id]) == {}
    assert [(tag.name, number) for tag, number in tags.counted(audience.id)] == [("a", 0), ("b", 0), ("c", 0)]


def test_contacts_are_counted_by_status(audience):
    for n in range(3):
        contact, _ = contacts.upsert(audience.id, f"p{n}@mail.example", ContactFacts())
    contacts.update(contact.id, ContactFacts(status="unsubscribed"))
    assert counting.counts([audience.id]) == {audience.id: {"subscribed": 2, "unsubscribed": 1}}


def test_another_teams_contact_is_not_found(audience):
    contact, _ = contacts.upsert(audience.id, "ada@mail.example", ContactFacts())
    assert contacts.contact_of(audience.team_id, contact.id) == contact
    assert contacts.contact_of(audience.team_id + 1, contact.id) is None
    assert contacts.audience_of(audience.team_id + 1, audience.id) is None
