"""What became of a broadcast: its report, its books, its mails; and of one mail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from flask import Response
from pydantic import Field, PlainSerializer

from sidecars.analytics.reports import broadcast_report, message_timeline
from sidecars.api.auth import team_id
from sidecars.api.broadcasts import BroadcastPath, own_broadcast
from sidecars.api.errors import not_found
from sidecars.api.ids import BroadcastId, ContactId, MessageId, VariantId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, PageQuery, Path, Query, Timestamp, answer, page, rfc3339
from sidecars.broadcasts import ledger, mails
from sidecars.broadcasts.balance import balance
from sidecars.broadcasts.mails import Mail
from sidecars.broadcasts.states import SendState
from sidecars.broadcasts.why import why
from sidecars.broadcasts.words import in_words

api = resource("Reports", "What became of a broadcast, and of each mail.", "reports")

State = Literal["planned", "accepted", "delivered", "bounced", "rejected", "skipped", "cancelled", "unknown"]


def _plain(value: Any) -> Any:
    """Rows of ClickHouse as JSON has them."""
    match value:
        case datetime():
            return rfc3339(value)
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
    return str(value)


Row = Annotated[dict[str, Any], PlainSerializer(_plain)]


class Opens(Answer):
    """Opens or clicks. Machines are mail-privacy proxies, scanners and bots."""

    total: int
    unique: int = Field(description="Mails.")
    people: dict[str, int]
    machines: dict[str, int]
    by_verdict: dict[str, dict[str, int]]


class Report(Answer):
    """What became of a broadcast. Counts are mails unless they are called `total`."""

    planned_total: int
    states: dict[str, int] = Field(description="The ledger: every recipient, by state.")
    delivered: int
    bounced: int
    bounced_by_reason: dict[str, int]
    unknown: int = Field(description="The connection was lost after the text: they may have arrived.")
    cancelled: int = Field(description="By an edge that had them. `states` has those that none had, too.")
    waiting: int = Field(description="An edge has them.")
    deferred: int = Field(description="At least once, whatever came after.")
    complaints: int
    auto_replies: int
    unsubscribes: int
    unsubscribed_by_method: dict[str, int]
    opens: Opens
    clicks: Opens
    by_variant: list[Row] = Field(
        description="Each variant's mails: delivered, bounced, opened, clicked, by people too, …"
    )
    by_hour: list[Row]
    by_provider: list[Row]
    by_link: list[Row]
    by_country: list[Row]
    by_device: list[Row]


class DifferingMail(Answer):
    """A mail of which ledger and ClickHouse tell differently: states, null where it was not heard of."""

    message_id: MessageId
    ledger: str | None
    clickhouse: str | None
    since: Timestamp = Field(description="When the later of the two learned what it tells.")


class EdgeShareAnswer(Answer):
    """Mails of a broadcast that an edge accepted and that are not settled. Null: it was not heard of."""

    edge: str
    accepted: int = Field(description="By the ledger.")
    waiting: int | None = Field(description="By the edge: in its spool and its queue.")
    event_bytes: int | None = Field(description="Events of any broadcast that it has not posted yet.")


class OnTheWayAnswer(Answer):
    """What neither ledger nor ClickHouse can know of yet."""

    records: dict[str, int] | None = Field(
        description="Records of any broadcast, of up to 2,000 events each, that wait in Kafka, by topic. "
        "Null: Kafka does not answer."
    )
    edges: list[EdgeShareAnswer]


class Books(Answer):
    """Every recipient's place in the ledger, and ClickHouse's own count beside it."""

    planned_total: int
    states: dict[str, int] = Field(description="The ledger: they add up to `sum`.")
    sum: int
    clickhouse: dict[str, int] = Field(
        description="Counted from events, to hold against `states`; of `cancelled`, those that an edge had."
    )
    balanced: bool = Field(description="Events on their way make a difference for a second or two.")
    differences: list[str]
    messages: list[DifferingMail] = Field(description="The first twenty mails that differ.")
    on_the_way: OnTheWayAnswer


class MailQuery(PageQuery):
    """Which mails."""

    state: State | None = Field(None, description="Only those; `planned` has those that a worker holds too.")


class MailAnswer(Answer):
    """One recipient's mail."""

    message_id: MessageId
    broadcast_id: BroadcastId | None
    contact_id: ContactId | None
    variant_id: VariantId | None
    recipient: str
    state: State
    reason: str = Field(json_schema_extra={"example": "hard_bounce"})
    explanation: str = Field(description="State and reason in words.")
    attempts: int
    edge: str
    accepted_at: Timestamp | None
    settled_at: Timestamp | None


class MailPage(Answer):
    """Some mails, in the order of contact ids."""

    data: list[MailAnswer]
    next_cursor: str | None


class MailDetail(MailAnswer):
    """One mail and what happened to it, in order: attempts with their SMTP conversation, opens, clicks."""

    timeline: list[Row]


class WhyQuery(Query):
    """Whose mail."""

    address: str = Field(min_length=3, max_length=254, json_schema_extra={"example": "ann@mailbox.example"})


class Why(Answer):
    """Why a person got a broadcast, or did not."""

    explanation: str
    mail: MailDetail | None = Field(description="Null where the ledger has none to them.")


class MessagePath(Path):
    """Which mail."""

    message_id: MessageId


@api.get("/broadcasts/<broadcast_id>/report", responses={200: Report})
def get_report(path: BroadcastPath) -> Response:
    """Read the report"""
    broadcast = own_broadcast(path.broadcast_id)
    states = ledger.counts(broadcast.id)
    total = states.pop("total")
    report = broadcast_report(team_id(), broadcast.id)
    return answer(Report(planned_total=total, states=states, **report))


@api.get("/broadcasts/<broadcast_id>/ledger", responses={200: Books})
def get_ledger(path: BroadcastPath) -> Response:
    """Read the books

    Every recipient is in one state; the states add up to those planned, and agree with what the events say.
    """
    return answer(Books.model_validate(balance(own_broadcast(path.broadcast_id))))


@api.get("/broadcasts/<broadcast_id>/messages", responses={200: MailPage})
def list_messages(path: BroadcastPath, query: MailQuery) -> Response:
    """List its mails"""
    broadcast = own_broadcast(path.broadcast_id)
    state = SendState[query.state.upper()] if query.state else None
    rows = mails.page(team_id(), broadcast.id, query.cursor, query.limit + 1, state)
    return answer(MailPage(**page(rows, query.limit, lambda mail: mail.contact_id or 0, _shown)))


@api.get("/broadcasts/<broadcast_id>/why", responses={200: Why})
def get_why(path: BroadcastPath, query: WhyQuery) -> Response:
    """Ask why a person got it, or did not

    The mail to them with all that happened to it; without one, the reason why they were not chosen.
    """
    found = why(own_broadcast(path.broadcast_id), query.address)
    mail = told(found.mail, found.timeline) if found.mail else None
    return answer(Why(explanation=found.sentence, mail=mail))


@api.get("/messages/<message_id>", responses={200: MailDetail})
def get_message(path: MessagePath) -> Response:
    """See all that happened to a mail"""
    mail = mails.find(team_id(), path.message_id)
    if mail is None:
        raise not_found("message")
    return answer(told(mail, message_timeline(team_id(), path.message_id)))


def told(mail: Mail, timeline: list[dict[str, Any]]) -> MailDetail:
    """The mail with all that happened to it."""
    told = [event | {"event_id": f"evt_{event['event_id'].hex}"} for event in timeline]
    return MailDetail(**dict(_shown(mail)), timeline=told)


def _shown(mail: Mail) -> MailAnswer:
    return MailAnswer(
        message_id=mail.message_id,
        broadcast_id=mail.broadcast_id,
        contact_id=mail.contact_id,
        variant_id=mail.variant_id,
        recipient=mail.recipient,
        state=cast(State, mail.state.name.lower()),
        reason=mail.reason.name.lower() if mail.reason else "",
        explanation=in_words(mail.state, mail.reason),
        attempts=mail.attempts,
        edge=mail.edge,
        accepted_at=mail.accepted_at,
        settled_at=mail.settled_at,
    )
