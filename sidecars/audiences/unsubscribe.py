"""Leaving a list, by whichever of the ways a mail offers.

Unsubscribing is about the list that the mail came from (RFC 2369, RFC 8058), so it moves the contact of
that audience and nothing else: the person may be in another list of the team, and must still get the
receipts and passwords that they ask for. A suppression would stop those too. Only where a mail belongs to
no audience is there no contact to move; then the address is kept from the team's broadcasts.
"""

import logging
from datetime import datetime

from sidecars.audiences import history
from sidecars.audiences.history import Proof
from sidecars.deliverability.suppressions import suppress
from sidecars.edge.messages import Attribution
from sidecars.models import Contact, Email, MergedContact, database, now
from sidecars.models.audiences import UNSUBSCRIBED

log = logging.getLogger(__name__)


def leave(
    whose: Attribution, how: str, event_id: str, at: datetime, ip: str = "", user_agent: str = ""
) -> None:
    """The recipient of a mail leaves the list that it came from, or where it came from none, broadcasts.

    Idempotent. `how` and `at` as below; `ip` and `user_agent` are of whoever asked for it, where known.
    """
    if whose.broadcast_id:
        unsubscribe(merged_into(whose.contact_id), how, event_id, at, ip, user_agent)
    elif address := address_of(whose):
        unsubscribe_address(whose.team_id, address, how, event_id)


def address_of(whose: Attribution) -> str | None:
    """To whom a mail went; None where the contact is gone, or the address was erased."""
    if whose.broadcast_id:
        contact = Contact.get_or_none(Contact.id == merged_into(whose.contact_id))
        return contact.email if contact else None
    email = Email.get_or_none(Email.id == whose.contact_id)
    return email.recipient or None if email else None


def merged_into(contact_id: int) -> int:
    """The contact that this one is part of now; itself, where it was never merged."""
    merged = MergedContact.get_or_none(MergedContact.id == contact_id)
    return merged.contact_id if merged else contact_id


def unsubscribe(
    contact_id: int,
    how: str,
    event_id: str,
    at: datetime | None = None,
    ip: str = "",
    user_agent: str = "",
) -> bool:
    """Unsubscribes the contact as of `at` (with time zone; None: now). True where this call changed it.

    Idempotent, and safe to replay: who subscribed again after `at` stays subscribed. `how` is one-click,
    page, mailto or preferences.
    """
    moment = at or now()
    with database.atomic():
        changed = (
            Contact.update(status=UNSUBSCRIBED, unsubscribed_at=moment, updated_at=now())
            .where(
                Contact.id == contact_id,
                Contact.status != UNSUBSCRIBED,
                Contact.subscribed_at.is_null() | (Contact.subscribed_at <= moment),
            )
            .execute()
        )
        if changed:
            history.note([(contact_id, UNSUBSCRIBED, Proof(how, event_id, ip, user_agent))], moment)
    if changed:
        log.info("unsubscribed", extra={"contact_id": contact_id, "how": how, "event_id": event_id})
    return bool(changed)


def unsubscribe_address(team_id: int, email: str, how: str, event_id: str) -> None:
    """For a mail of no audience: keeps the address from the team's broadcasts. Idempotent."""
    suppress(
        team_id, email, "unsubscribe", stream="broadcast", detail=f"Unsubscribed by {how}.", event_id=event_id
    )
