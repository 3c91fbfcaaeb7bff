"""Two contacts of one audience that are one person become one.

What the ledger and the events have of the other stays under its own id, by which it is found: it is a
`MergedContact` from then on.
"""

from sidecars.audiences import history, tags
from sidecars.audiences.history import Proof
from sidecars.models import (
    Confirmation,
    Contact,
    MergedContact,
    SubscriptionChange,
    database,
    now,
)
from sidecars.models.audiences import UNSUBSCRIBED


class NotMergeable(ValueError):
    """The two are no two contacts of one audience; the text says why."""


def merge(contact: Contact, other: Contact, reference: str = "") -> Contact:
    """Makes `other` part of `contact`, which keeps its address and where both say something its own word.

    It gets the names and properties that it lacks, all tags, and the history of both. Where either left the
    list, it has left. `reference` says who did it. Raises NotMergeable.
    """
    if contact.id == other.id:
        raise NotMergeable("a contact cannot be merged with itself")
    if contact.audience_id != other.audience_id:
        raise NotMergeable("both must be in the same audience")
    with database.atomic():
        rows = (
            Contact.select().where(Contact.id.in_([contact.id, other.id])).order_by(Contact.id).for_update()
        )
        both = {row.id: row for row in rows}
        if len(both) < 2:
            raise NotMergeable("one of both is gone")
        kept, gone = both[contact.id], both[other.id]
        _take_over(kept, gone)
        left = gone.status == UNSUBSCRIBED and kept.status != UNSUBSCRIBED
        if left:
            kept.status, kept.unsubscribed_at = UNSUBSCRIBED, gone.unsubscribed_at
        kept.updated_at = now()
        kept.save()
        gone.delete_instance()
        MergedContact.create(id=gone.id, contact=kept.id)
        if left:
            history.note([(kept.id, UNSUBSCRIBED, Proof(history.MERGE, reference))])
    return kept


def ids_of(contact_id: int) -> list[int]:
    """Its own, and those of the contacts that are part of it."""
    rows = MergedContact.select(MergedContact.id).where(MergedContact.contact == contact_id)
    return [contact_id, *(row.id for row in rows)]


def _take_over(kept: Contact, gone: Contact) -> None:
    kept.first_name = kept.first_name or gone.first_name
    kept.last_name = kept.last_name or gone.last_name
    kept.properties = {**gone.properties, **kept.properties}
    borne = tags.of_contacts([gone.id]).get(gone.id, [])
    tags.change_tags(kept.audience_id, {name: [kept.id] for name in borne}, {})
    if gone.import_id is not None:
        entry = history.of_import(gone)
        if entry:
            proof = Proof(entry.source, entry.reference, shown=entry.shown)
            history.note([(kept.id, entry.status, proof)], entry.changed_at)
    for model in (SubscriptionChange, Confirmation, MergedContact):
        model.update(contact=kept.id).where(model.contact == gone.id).execute()
