"""From the rows of an outcome to the events that teams' apps want to know of.

Rows are looked at only where one of their teams has an endpoint. An event keeps its id; where a mail that
came back tells of several, each has one of its own.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from sidecars import names
from sidecars.callbacks import feed
from sidecars.callbacks.events import Event, EventType, stands_for
from sidecars.edge.messages import Attribution
from sidecars.enrichers import lookups
from sidecars.enrichers.outcome import Outcome, Row
from sidecars.enrichers.statuses import NO_MESSAGE

Columns = Mapping[str, Any]

_STATUSES: Mapping[str, EventType] = {
    "accepted": "email.accepted",
    "delivered": "email.delivered",
    "deferred": "email.deferred",
    "bounced": "email.bounced",
}
_INBOUND: Mapping[str, EventType] = {"bounce": "email.bounced", "complaint": "email.complained"}
_CLICKS: Mapping[str, EventType] = {"click": "email.clicked", "unsubscribe": "email.unsubscribed"}

_OF_STATUSES = ("from_domain", "provider", "attempt", "tag", "metadata")
_OF_REPLIES = ("code", "enhanced", "response")
_OF_VISITS = ("verdict", "country", "device", "os", "browser", "ip", "user_agent")
_TOLD: Mapping[EventType, tuple[str, ...]] = {
    "email.accepted": _OF_STATUSES,
    "email.delivered": (*_OF_STATUSES, *_OF_REPLIES),
    "email.deferred": (*_OF_STATUSES, *_OF_REPLIES, "next_attempt_in_s"),
    "email.bounced": (*_OF_STATUSES, *_OF_REPLIES, "reason"),
    "email.complained": _OF_STATUSES,
    "email.opened": _OF_VISITS,
    "email.clicked": (*_OF_VISITS, "url", "link_index"),
    "email.unsubscribed": ("method",),
}
_DEFAULTS: Mapping[str, Any] = {"tag": "", "metadata": {}, "reason": ""}


def tell_apps(outcome: Outcome) -> None:
    """Has those events delivered that a team's endpoint wants. Raises peewee.PeeweeException."""
    if to := feed.listeners(outcome.teams):
        feed.record(list(_events(outcome, to)), to)


def _events(outcome: Outcome, to: feed.Listeners) -> Iterator[Event]:
    rows = [
        (type_, row)
        for topic, of_topic in outcome.rows.items()
        for row in map(_columns, of_topic)
        if row["team_id"] in to and row["message_id"] != str(NO_MESSAGE) and (type_ := _type(topic, row))
    ]
    addresses = lookups.addresses(_whose(row) for _, row in rows if "recipient" not in row)
    for type_, row in rows:
        yield _event(type_, row, row.get("recipient") or addresses.get(_whose(row), ""))


def _columns(row: Row) -> Columns:
    if not isinstance(row, bytes):
        return row
    columns: Columns = orjson.loads(row)
    return columns


def _type(topic: str, row: Columns) -> EventType | None:
    if topic == names.TOPIC_CH_OPENS:
        return "email.opened"
    if topic == names.TOPIC_CH_CLICKS:
        return _CLICKS[row["type"]]
    return _INBOUND.get(row["kind"]) if row["type"] == "inbound" else _STATUSES.get(row["type"])


def _event(type_: EventType, row: Columns, recipient: str) -> Event:
    message_id, whose = UUID(row["message_id"]), _whose(row)
    stream = "broadcast" if whose.broadcast_id else "transactional"
    data = {
        "email_id": f"msg_{message_id.hex}",
        "recipient": recipient,
        "stream": stream,
        "broadcast_id": f"bc_{whose.broadcast_id}" if whose.broadcast_id else None,
        "contact_id": f"con_{whose.contact_id}" if whose.broadcast_id else None,
    }
    data |= {name: _told(row, name) for name in _TOLD[type_]}
    id_ = UUID(row["event_id"])
    if row.get("type") == "inbound" or row.get("method") == "mailto":
        id_ = stands_for(id_, message_id, type_)
    at = datetime.fromisoformat(row["occurred_at"])
    return Event(id_, whose.team_id, type_, message_id, at, stream, data)


def _told(row: Columns, name: str) -> Any:
    value = row.get(name)
    return _DEFAULTS.get(name) if value is None else value


def _whose(row: Columns) -> Attribution:
    return Attribution(row["team_id"], row["broadcast_id"], row["contact_id"], row["variant_id"])
