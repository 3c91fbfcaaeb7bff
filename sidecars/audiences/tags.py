"""Tags: words put on the contacts of an audience."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

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


def bearers(tag_id: int) -> int:
    """How many contacts bear the tag."""
    return int(ContactTag.select().where(ContactTag.tag == tag_id).count())


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


def set_tags(audience_id: int, wanted: Mapping[int, Iterable[str]]) -> None:
    """Leaves each contact, given by its id, with exactly these tags."""
    borne = of_contacts(wanted)
    add, remove = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for contact_id, names in wanted.items():
        before = set(borne.get(contact_id, ()))
        for name in set(names) - before:
            add[name].append(contact_id)
        for name in before - set(names):
            remove[name].append(contact_id)
    change_tags(audience_id, add, remove)


def change_tags(
    audience_id: int, add: Mapping[str, Sequence[int]], remove: Mapping[str, Sequence[int]]
) -> tuple[int, int]:
    """Takes tags off contacts and puts others on, by name; how many it put on and took off.

    A tag that is new is made; contacts of other audiences are left alone.
    """
    added = removed = 0
    with database.atomic():
        for name, contact_ids in sorted(remove.items()):
            of_name = Tag.select(Tag.id).where(Tag.audience == audience_id, Tag.name == name)
            gone = ContactTag.delete().where(ContactTag.tag.in_(of_name), ContactTag.contact.in_(contact_ids))
            removed += gone.execute()
        for name, contact_ids in sorted(add.items()):
            tag, _ = create(audience_id, name)
            bearers = Contact.select(tag.id, Contact.id).where(
                Contact.audience == audience_id, Contact.id.in_(contact_ids)
            )
            put = ContactTag.insert_from(bearers, (ContactTag.tag, ContactTag.contact)).on_conflict_ignore()
            added += database.execute(put).rowcount
    return added, removed


def rename(tag_id: int, name: str) -> Tag:
    """Raises peewee.IntegrityError where the audience has another of this name."""
    Tag.update(name=name).where(Tag.id == tag_id).execute()
    return Tag.get_by_id(tag_id)


def delete(tag_id: int) -> None:
    """Takes it off all its contacts."""
    Tag.delete().where(Tag.id == tag_id).execute()
