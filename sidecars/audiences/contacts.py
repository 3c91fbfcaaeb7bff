"""Audiences and the people in them, one at a time; lists of them come in by `importing`."""

from dataclasses import dataclass, field
from typing import Any

from peewee import IntegrityError, fn

from sidecars.audiences import properties, tags
from sidecars.deliverability.addresses import checked
from sidecars.models import Audience, Contact, database, now
from sidecars.models.audiences import SUBSCRIBED, UNSUBSCRIBED


class AudienceExists(Exception):
    """The team has an audience of this name."""


class PropertyMismatch(ValueError):
    """A property's value is not of the kind that the audience declares for it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass
class ContactFacts:
    """What is said of a contact; None leaves a field as it is, a property of None takes it away."""

    first_name: str | None = None
    last_name: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    tags: list[str] | None = None
    status: str | None = None


def create_audience(team_id: int, name: str, **facts: Any) -> Audience:
    """`facts` are columns of the audience. Raises AudienceExists."""
    try:
        return Audience.create(team=team_id, name=name, **facts)
    except IntegrityError as error:
        raise AudienceExists(name) from error


def change_audience(audience_id: int, **facts: Any) -> Audience:
    """Sets columns of the audience. Raises AudienceExists."""
    if facts:
        try:
            Audience.update(**facts).where(Audience.id == audience_id).execute()
        except IntegrityError as error:
            raise AudienceExists(facts.get("name", "")) from error
    return Audience.get_by_id(audience_id)


def audience_of(team_id: int, audience_id: int) -> Audience | None:
    """The audience, if it is the team's."""
    return Audience.get_or_none(Audience.id == audience_id, Audience.team == team_id)


def audiences(team_id: int, after: int, limit: int) -> list[Audience]:
    """The team's audiences beyond id `after`, in the order in which they were made."""
    query = Audience.select().where(Audience.team == team_id, Audience.id > after)
    return list(query.order_by(Audience.id).limit(limit))


def counts(audience_ids: list[int]) -> dict[int, dict[str, int]]:
    """Audience id → {status: contacts}."""
    rows = (
        Contact.select(Contact.audience, Contact.status, fn.COUNT(1))
        .where(Contact.audience.in_(audience_ids))
        .group_by(Contact.audience, Contact.status)
    )
    result: dict[int, dict[str, int]] = {audience_id: {} for audience_id in audience_ids}
    for audience_id, status, number in database.execute(rows):
        result[audience_id][status] = number
    return result


def contact_of(team_id: int, contact_id: int) -> Contact | None:
    """The contact, if it is in an audience of the team."""
    return (
        Contact.select()
        .join(Audience)
        .where(Contact.id == contact_id, Audience.team == team_id)
        .get_or_none()
    )


def page(audience_id: int, after: int, limit: int, email: str | None = None) -> list[Contact]:
    """Contacts beyond id `after`, in the order in which they came; `email` picks one by its address."""
    query = Contact.select().where(Contact.audience == audience_id, Contact.id > after)
    if email is not None:
        query = query.where(Contact.email == email)
    return list(query.order_by(Contact.id).limit(limit))


def upsert(audience_id: int, email: str, facts: ContactFacts) -> tuple[Contact, bool]:
    """The contact with this address, and whether it was made now.

    A new one is subscribed unless `facts.status` says otherwise. One who unsubscribed stays so: only
    `update` subscribes again, as that must be somebody's decision about this one person.
    Raises AddressError, PropertyMismatch.
    """
    address = checked(email)
    with database.atomic():
        # Inserted bare, or met there: two requests for one address at once end with one contact.
        created = bool(
            Contact.insert(audience=audience_id, email=address, status=SUBSCRIBED, subscribed_at=now())
            .on_conflict_ignore()
            .execute()
        )
        contact = _locked(Contact.audience == audience_id, Contact.email == address)
        _apply(contact, facts, may_subscribe=created)
    return contact, created


def update(contact_id: int, facts: ContactFacts) -> Contact:
    """Changes a contact. Raises peewee.DoesNotExist, PropertyMismatch."""
    with database.atomic():
        contact = _locked(Contact.id == contact_id)
        _apply(contact, facts, may_subscribe=True)
    return contact


def _locked(*where: Any) -> Contact:
    return Contact.select().where(*where).for_update().get()


def _apply(contact: Contact, facts: ContactFacts, may_subscribe: bool) -> None:
    if facts.first_name is not None:
        contact.first_name = facts.first_name
    if facts.last_name is not None:
        contact.last_name = facts.last_name
    contact.properties = _merged(contact, facts.properties)
    if facts.status is not None and (may_subscribe or facts.status == UNSUBSCRIBED):
        _set_status(contact, facts.status)
    contact.updated_at = now()
    contact.save()
    if facts.tags is not None:
        tags.set_tags(contact, facts.tags)


def _set_status(contact: Contact, status: str) -> None:
    if contact.status == status:
        return
    contact.status = status
    if status == SUBSCRIBED:
        contact.subscribed_at = now()
    if status == UNSUBSCRIBED:
        contact.unsubscribed_at = now()


def _merged(contact: Contact, changes: dict[str, Any]) -> dict[str, Any]:
    """The contact's properties with the changes; a property not declared yet is, by its value's kind."""
    kinds = properties.declared(contact.audience_id) if changes else {}
    merged = dict(contact.properties)
    fresh: dict[str, str] = {}
    for name, value in changes.items():
        if not name or name != properties.property_name(name):
            raise PropertyMismatch(name, "a property's name is a word of small letters, digits and _")
        if value is None:
            merged.pop(name, None)
            continue
        kind = kinds.get(name) or fresh.setdefault(name, properties.kind_of(value))
        try:
            merged[name] = properties.fitted(kind, value)
        except properties.PropertyError as error:
            raise PropertyMismatch(name, str(error)) from error
    properties.declare(contact.audience_id, fresh)
    return merged
