"""What processors make of events: rows for ClickHouse, and what is to be done beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sidecars.broadcasts.settle import Settlement
from sidecars.edge.messages import Attribution

Event = Mapping[str, Any]
# A row by its columns, or already as the JSON that ClickHouse reads.
Row = dict[str, Any] | bytes


class Suppress(NamedTuple):
    """Keep the address from all of the team's mail."""

    team_id: int
    email: str
    reason: str
    detail: str
    event_id: str


class SoftBounced(NamedTuple):
    """A mail bounced for a cause at its recipient that may pass; `reason` soft_bounce or mailbox_full."""

    team_id: int
    email: str
    reason: str
    detail: str
    event_id: str
    at: datetime


class Unsubscribe(NamedTuple):
    """The recipient of a mail leaves the list that it came from."""

    whose: Attribution
    how: str
    event_id: str
    at: datetime
    ip: str = ""
    user_agent: str = ""


class Recipient(NamedTuple):
    """One to whom a mail went: the mail's id is this recipient's own."""

    message_id: UUID
    whose: Attribution
    address: str


@dataclass
class Outcome:
    """`rows` by topic, with the columns of the topic's table. `teams` are those that they are about."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)
    suppressions: list[Suppress] = field(default_factory=list)
    soft_bounces: list[SoftBounced] = field(default_factory=list)
    unsubscribes: list[Unsubscribe] = field(default_factory=list)
    teams: set[int] = field(default_factory=set)

    def add_row(self, topic: str, row: Row) -> None:
        """Appends a row for a topic."""
        self.rows.setdefault(topic, []).append(row)


class UnknownMessage(LookupError):
    """An event of a message id that neither Redis nor the ledger knows."""

    def __init__(self) -> None:
        super().__init__("unknown message id")


@lru_cache(maxsize=4096)
def as_uuid(text: str) -> UUID:
    """An id's text, parsed once for all that ask during a batch. Raises ValueError."""
    return UUID(text)


def attribution(event: Event, known: Mapping[UUID, Attribution]) -> Attribution:
    """Whose mail the event is about; raises UnknownMessage."""
    try:
        return known[as_uuid(event["message_id"])]
    except KeyError:
        raise UnknownMessage from None


def message_ids(events: Iterable[Event]) -> list[UUID]:
    """The distinct message ids of the events, in order."""
    return list(dict.fromkeys(as_uuid(event["message_id"]) for event in events if event["message_id"]))


def moment(event: Event) -> datetime:
    """When it happened, with time zone."""
    return datetime.fromisoformat(event["occurred_at"])
