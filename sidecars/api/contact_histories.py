"""What happened to a contact: how it was subscribed, what it got and did; and two that become one."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from flask import Response
from pydantic import Field

from sidecars.analytics.reports import contact_activity
from sidecars.api.auth import team_id
from sidecars.api.contacts import ContactAnswer, ContactPath, own_contact, reference, shown_contacts
from sidecars.api.errors import conflict, invalid
from sidecars.api.ids import BroadcastId, ContactId, EventId, MessageId
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Answer,
    Body,
    KeyedPageQuery,
    Timestamp,
    answer,
    cursor_of,
    example,
    rfc3339,
)
from sidecars.audiences import confirming, contacts, history, merging

api = resource("Contacts' histories", "How people came to be on a list, and what they did.", "audiences")


class SubscriptionEntry(Answer):
    """A move of the subscription, and how it came about. What is not known is empty."""

    status: Literal["subscribed", "unsubscribed", "pending", "suppressed", "allowed"] = Field(
        description="`suppressed`: the address gets no mail of the team; `allowed`: it may again."
    )
    source: str = Field(
        description="api, form (the app told of a person's consent), import, confirmation, preferences, "
        "merge; one-click, page, mailto; of `suppressed` its reason."
    )
    changed_at: Timestamp
    ip: str = Field(description="The person's.")
    user_agent: str
    shown: str = Field(description="What the person read when they agreed.")
    reference: str = Field(description="An id to look for: of a key, an import, an event, a message.")


class ConfirmationAnswer(Answer):
    """A mail that asks a pending contact to confirm."""

    message_id: MessageId
    state: Literal["waiting", "mailed", "unmailed", "confirmed"] = Field(
        description="`unmailed`: it could not be sent, for the `reason`."
    )
    reason: str
    created_at: Timestamp
    expires_at: Timestamp


class SubscriptionHistory(Answer):
    """All of them, newest first, and the last mails that asked to confirm."""

    data: list[SubscriptionEntry]
    confirmations: list[ConfirmationAnswer]


class Activity(Answer):
    """Something that happened to a broadcast's mail to the contact, or that was done with it."""

    event_id: EventId
    type: str = Field(
        description="accepted (handed over), delivered, deferred, bounced, unknown, cancelled, inbound, "
        "open, click, unsubscribe."
    )
    occurred_at: Timestamp
    broadcast_id: BroadcastId
    message_id: MessageId
    reason: str = Field(description="Of a bounce or a deferral.")
    kind: str = Field(description="Of inbound: bounce, complaint, auto_reply …")
    response: str = Field(description="What the recipient's server said.")
    url: str = Field(description="Of a click.")
    by_person: bool | None = Field(description="Null where it is neither an open nor a click.")
    verdict: str = Field(description="person, privacy_proxy, scanner or bot.")
    verdict_reasons: list[str]
    country: str
    device: str
    method: str = Field(description="Of an unsubscribe.")


class ActivityPage(Answer):
    """Some of it, newest first."""

    data: list[Activity]
    next_cursor: str | None


class Merge(Body):
    """The contact that becomes part of this one."""

    model_config = example({"contact_id": "con_13"})

    contact_id: ContactId


@api.get("/contacts/<contact_id>/subscriptions", responses={200: SubscriptionHistory})
def list_subscriptions(path: ContactPath) -> Response:
    """See how a contact came to be subscribed, or not

    Each move with its proof: when, where from, by whom.
    """
    contact = own_contact(path.contact_id)
    asked = [_shown(each) for each in confirming.latest(contact.id)]
    told = [SubscriptionEntry(**entry._asdict()) for entry in history.of_contact(contact, team_id())]
    return answer(SubscriptionHistory(data=told, confirmations=asked))


@api.post("/contacts/<contact_id>/confirmation", responses={202: ConfirmationAnswer})
def ask_to_confirm(path: ContactPath) -> Response:
    """Ask a pending contact once more to confirm

    At most three times a day, and not twice within two minutes.
    """
    contact = own_contact(path.contact_id)
    try:
        return answer(_shown(confirming.ask_again(contact)), 202)
    except confirming.NotPending as error:
        raise conflict(f"Nobody can be asked: {error}.", contact.status) from error
    except confirming.TooOften as error:
        raise conflict(f"They were asked already; {error}.", "asked") from error


@api.get("/contacts/<contact_id>/activity", responses={200: ActivityPage})
def list_activity(path: ContactPath, query: KeyedPageQuery) -> Response:
    """See what a contact got and did

    Of the mails of broadcasts, also under the ids of contacts that were merged into this one.
    """
    ids = merging.ids_of(own_contact(path.contact_id).id)
    events = contact_activity(team_id(), ids, _before(query), query.limit + 1)
    shown = [_activity(event) for event in events[: query.limit]]
    more = len(events) > query.limit
    last = cursor_of(rfc3339(shown[-1].occurred_at), shown[-1].event_id.hex) if more else None
    return answer(ActivityPage(data=shown, next_cursor=last))


@api.post("/contacts/<contact_id>/merge", responses={200: ContactAnswer})
def merge_contacts(path: ContactPath, body: Merge) -> Response:
    """Make another contact part of this one

    It keeps its address, and its own word where both say something; it gets what it lacks of names and
    properties, all tags, and the other's history. If either left the list, it has left. The other's id leads
    to this one from then on. It cannot be undone.
    """
    contact = own_contact(path.contact_id)
    other = contacts.contact_of(team_id(), body.contact_id)
    if other is None:
        raise invalid("contact_id", "there is no such contact")
    try:
        merged = merging.merge(contact, other, reference())
    except merging.NotMergeable as error:
        raise invalid("contact_id", str(error)) from error
    return answer(shown_contacts([merged])[0])


def _shown(each: Any) -> ConfirmationAnswer:
    return ConfirmationAnswer.model_validate(each)


def _activity(event: dict[str, Any]) -> Activity:
    is_judged = event["type"] in ("open", "click")
    facts = {name: event[name] for name in Activity.model_fields if name in event}
    by_person = event["verdict"] == "person" if is_judged else None
    return Activity(**facts, by_person=by_person, verdict_reasons=event["reasons"])


def _before(query: KeyedPageQuery) -> tuple[datetime, UUID] | None:
    if query.cursor is None:
        return None
    try:
        moment, event_id = query.cursor
        return datetime.fromisoformat(moment), UUID(event_id)
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid("cursor", "must be `next_cursor` of this list") from error
