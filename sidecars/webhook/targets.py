"""Where a mail's n-th link leads."""

from functools import lru_cache
from uuid import UUID

from sidecars.audiences.unsubscribe import merged_into
from sidecars.edge.messages import Attribution
from sidecars.mail import links
from sidecars.mail.recipients import Recipient
from sidecars.models import Contact, Email, Link

# Links of a published broadcast never change.
CACHED_LINKS = 20_000


def target(message_id: UUID, whose: Attribution, index: int) -> str | None:
    """The link's address for this recipient; None where there is no such link, or no http(s) address in it.

    Raises peewee.PeeweeException where MySQL is needed and does not answer.
    """
    try:
        url = _url(whose.variant_id, index)
    except LookupError:
        return None
    recipient = _recipient(message_id, whose) if "{" in url else Recipient(message_id, whose.contact_id, "")
    return links.target(url, recipient, whose.broadcast_id or None)


@lru_cache(maxsize=CACHED_LINKS)
def _url(variant_id: int, index: int) -> str:
    """The link as the author wrote it. Raises LookupError, which the cache does not remember."""
    link = Link.get_or_none(Link.variant == variant_id, Link.idx == index)
    if link is None:
        raise LookupError(f"variant {variant_id} has no link {index}")
    return str(link.url)


def _recipient(message_id: UUID, whose: Attribution) -> Recipient:
    """The contact as it is now; of a mail of no broadcast, or of a deleted contact, what is known."""
    if not whose.broadcast_id:
        email = Email.get_or_none(Email.id == whose.contact_id)
        return Recipient(message_id, 0, email.recipient if email else "")
    contact = Contact.get_or_none(Contact.id == merged_into(whose.contact_id))
    if contact is None:
        return Recipient(message_id, whose.contact_id, "")
    return Recipient(
        message_id,
        contact.id,
        contact.email,
        properties=contact.properties,
        first_name=contact.first_name,
        last_name=contact.last_name,
    )
