"""Why one person got a broadcast, or did not: the ledger's word, or why the ledger has no row of them."""

from dataclasses import dataclass
from typing import Any

from sidecars.analytics.reports import message_timeline
from sidecars.audiences.segments.compiler import Sql
from sidecars.broadcasts import mails
from sidecars.broadcasts.mails import Mail
from sidecars.broadcasts.recipients import conditions
from sidecars.broadcasts.states import BroadcastState, SendState
from sidecars.broadcasts.timezones import PROPERTY, moments_of
from sidecars.broadcasts.words import in_words
from sidecars.models import Broadcast, Contact, database
from sidecars.models.audiences import PENDING, SUBSCRIBED, UNSUBSCRIBED
from sidecars.names import address_key

_NOT_PUBLISHED = (BroadcastState.DRAFT.value, BroadcastState.SCHEDULED.value)
_STATUSES = {
    UNSUBSCRIBED: "they are unsubscribed from the audience",
    PENDING: "they have not confirmed their subscription",
}


@dataclass(frozen=True)
class Explanation:
    """`sentence` answers; `mail` is the ledger's row, None where there is none; `timeline` its events."""

    sentence: str
    mail: Mail | None
    timeline: list[dict[str, Any]]


def why(broadcast: Broadcast, address: str) -> Explanation:
    """Raises what `message_timeline` raises where ClickHouse or Redis is away."""
    contact = Contact.get_or_none(
        Contact.audience == broadcast.audience_id, Contact.email == address_key(address)
    )
    if contact is None:
        return Explanation(
            f"{address} is no contact of the broadcast's audience. Mail to a contact that was erased is "
            "found by its message id.",
            None,
            [],
        )
    mail = mails.of_contact(broadcast.team_id, broadcast.id, contact.id)
    if mail is None:
        return Explanation(_left_out(broadcast, contact), None, [])
    timeline = message_timeline(broadcast.team_id, mail.message_id)
    is_held = mail.state is SendState.PLANNED and mail.variant_id is None
    sentence = _waits_for(broadcast, contact) if is_held else in_words(mail.state, mail.reason)
    return Explanation(sentence, mail, timeline)


def _waits_for(broadcast: Broadcast, contact: Contact) -> str:
    if not broadcast.local_time:
        return "They wait for the end of the broadcast's test: the rest gets the variant that did best."
    hours = moments_of(broadcast)
    named = contact.properties.get(PROPERTY)
    zone = named if isinstance(named, str) and named in hours else broadcast.timezone
    return f"They wait for their hour: it comes in {zone} at {hours[zone]:%Y-%m-%d %H:%M} UTC."


def _left_out(broadcast: Broadcast, contact: Contact) -> str:
    """The first reason that holds now; what held when the broadcast was planned is told by dates."""
    if broadcast.state in _NOT_PUBLISHED:
        return "The broadcast is not published; nobody was chosen yet."
    if broadcast.state == BroadcastState.PLANNING.value and contact.id > broadcast.plan_cursor:
        return "The broadcast is still choosing its recipients, and has not come to this contact."
    if contact.id > broadcast.plan_cursor:
        return (
            "They were not chosen: the contact was added when the broadcast had been planned, "
            "or it ended before it came to them."
        )
    if contact.status != SUBSCRIBED:
        since = f" (on {contact.unsubscribed_at:%Y-%m-%d %H:%M} UTC)" if contact.unsubscribed_at else ""
        return f"They were not chosen: {_STATUSES[contact.status]}{since}."
    segment, excluded = conditions(broadcast)
    if not _holds(segment, contact):
        return "They were not chosen: the contact is not in the broadcast's segment."
    if _holds(excluded, contact):
        return "They were not chosen: the broadcast leaves them out by its exclusions."
    return (
        "They were not chosen: they subscribed, or joined the segment, when the broadcast had been planned."
    )


def _holds(condition: Sql, contact: Contact) -> bool:
    sql = f"SELECT 1 FROM contacts c WHERE {condition[0]} AND c.id = %s"
    return database.execute_sql(sql, [*condition[1], contact.id]).fetchone() is not None
