"""Tags: words put on the contacts of an audience."""

from collections.abc import Iterable, Mapping

from peewee import fn

from sidecars.models import Contact, ContactTag, Tag, database


def counted(audience_id: int) -> list[tuple[Tag, int]]:
    """The audience's tags by name, each with how many contacts bear it."""
    tags = list(Tag.select().where(Tag.audience == audience_id).order_by(Tag.name))
    bearers = (
        ContactTag.select(ContactTag.tag, fn.COUNT(1))
        .where(ContactTag.tag.in_([tag.id for tag in tags]))
        .group_by(ContactTag.tag)
    )
    numbers = dict(database.execute(bearers))
    return [(tag, numbers.get(tag.id, 0)) for tag in tags]


def create(audience_id: int, name: str) -> tuple[Tag, bool]:
    """The tag, and whether it was made now."""
    made = Tag.insert(audience=audience_id, name=name).on_conflict_ignore().execute()
    return Tag.get(Tag.audience == audience_id, Tag.name == name), bool(made)


def of_contacts(contact_ids: Iterable[int]) -> dict[int, list[str]]:
    """Contact id → its tags by name, for those that have any."""
    rows = (
        ContactTag.select(ContactTag.contact, Tag.name)
        .join(Tag)
        .where(ContactTag.contact.in_(list(contact_ids)))
        .order_by(Tag.name)
    )
    tags: dict[int, list[str]] = {}
    for contact_id, name in database.execute(rows):
        tags.setdefault(contact_id, []).append(name)
    return tags


def put_tags(audience_id: int, tags: Mapping[str, Iterable[str]]) -> None:
    """Puts tags on contacts given by address, making the tags that are new. What they bear already stays."""
    addresses: dict[str, list[str]] = {}
    for email, names in tags.items():
        for name in names:
            addresses.setdefault(name, []).append(email)
    for name, emails in addresses.items():
        tag, _ = create(audience_id, name)
        bearers = Contact.select(tag.id, Contact.id).where(
            Contact.audience == audience_id, Contact.email.in_(emails)
        )
        ContactTag.insert_from(bearers, (ContactTag.tag, ContactTag.contact)).on_conflict_ignore().execute()


def set_tags(contact: Contact, names: Iterable[str]) -> None:
    """Leaves the contact with exactly these tags."""
    wanted = set(names)
    with database.atomic():
        kept = Tag.select(Tag.id).where(Tag.audience == contact.audience_id, Tag.name.in_(wanted))
        ContactTag.delete().where(ContactTag.contact == contact.id, ContactTag.tag.not_in(kept)).execute()
        put_tags(contact.audience_id, {contact.email: wanted})
