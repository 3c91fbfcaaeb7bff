"""What apps can be told, and how it reads: `{type, timestamp, data}`, as Standard Webhooks have it. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

EventType = Literal[
    "email.accepted",
    "email.delivered",
    "email.deferred",
    "email.bounced",
    "email.complained",
    "email.opened",
    "email.clicked",
    "email.unsubscribed",
    "address.suppressed",
    "broadcast.finished",
    "broadcast.stopped",
    "domain.verified",
    "domain.broken",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)

_NAMESPACE = uuid5(NAMESPACE_URL, "https://kibamail.example/webhooks")


class Event(NamedTuple):
    """Something that an app may want to know. The same happening has the same `id`, whoever tells it again.

    `about` is the mail's message id, or stands for another thing: events about the same go in order of
    `occurred_at`. `stream` is broadcast or transactional; None where it is of neither or both.
    """

    id: UUID
    team_id: int
    type: EventType
    about: UUID
    occurred_at: datetime
    stream: str | None
    data: Mapping[str, Any]


def stands_for(*parts: object) -> UUID:
    """The same id for the same parts."""
    return uuid5(_NAMESPACE, ":".join(map(str, parts)))


def body(event: Event) -> str:
    """The JSON that is signed and sent."""
    happening = {"type": event.type, "timestamp": event.occurred_at, "data": event.data}
    return orjson.dumps(happening, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC, default=str).decode()


def shown(event_id: UUID) -> str:
    """An event's id as apps see it; of a mail's event, as the mail's own timeline has it."""
    return f"evt_{event_id.hex}"


def sample(type_: EventType) -> dict[str, Any]:
    """The `data` of a made-up event of this type, for a first look and for the test button."""
    return {**_MAIL, **_SAMPLES[type_]} if type_.startswith("email.") else dict(_SAMPLES[type_])


def sampled(team_id: int, type_: EventType) -> Event:
    """A made-up event that happens now; no two are the same."""
    moment = datetime.now(UTC)
    moment -= timedelta(microseconds=moment.microsecond % 1000)
    id_ = stands_for("sample", team_id, type_, moment)
    return Event(id_, team_id, type_, id_, moment, None, sample(type_))


_MAIL = {
    "email_id": "msg_0193a1b2c3d47e5f8a6b7c8d9e0f1a2b",
    "recipient": "ada@mail.example",
    "stream": "broadcast",
    "broadcast_id": "bc_12",
    "contact_id": "con_12",
}
_REPLY = {
    "from_domain": "news.acme.example",
    "provider": "mail.example",
    "attempt": 1,
    "tag": "",
    "metadata": {},
}
_VISIT = {"verdict": "person", "country": "DE", "device": "phone", "os": "iOS", "browser": "Mobile Safari"}
_SAMPLES: Mapping[EventType, Mapping[str, Any]] = {
    "email.accepted": _REPLY,
    "email.delivered": {**_REPLY, "code": 250, "enhanced": "2.0.0", "response": "Ok: queued"},
    "email.deferred": {
        **_REPLY,
        "code": 451,
        "enhanced": "4.7.1",
        "response": "Try again later",
        "next_attempt_in_s": 300,
    },
    "email.bounced": {
        **_REPLY,
        "code": 550,
        "enhanced": "5.1.1",
        "response": "No such user",
        "reason": "hard_bounce",
    },
    "email.complained": {},
    "email.opened": _VISIT,
    "email.clicked": {**_VISIT, "url": "https://acme.example/spring", "link_index": 0},
    "email.unsubscribed": {"method": "one-click"},
    "address.suppressed": {
        "address": "ada@mail.example",
        "stream": "all",
        "reason": "hard_bounce",
        "detail": "550 5.1.1 No such user",
        "expires_at": None,
    },
    "broadcast.finished": {"broadcast_id": "bc_12", "name": "Spring", "state": "sent", "reason": ""},
    "broadcast.stopped": {
        "broadcast_id": "bc_12",
        "name": "Spring",
        "state": "paused",
        "reason": "7 % of its mails bounced.",
    },
    "domain.verified": {
        "domain_id": "dom_12",
        "domain": "news.acme.example",
        "state": "verified",
        "faults": [],
    },
    "domain.broken": {
        "domain_id": "dom_12",
        "domain": "news.acme.example",
        "state": "failing",
        "faults": ["The TXT record is gone."],
    },
}
