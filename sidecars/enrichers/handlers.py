"""From the lines of a topic to their outcome: look up what a processor needs, then let it judge.

A line is one event's JSON. Each topic has a handler for what just happened, and a judge, to whom the past may
be shown again: it needs to be told whose the mails are, and does nothing beside.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson

from sidecars import names
from sidecars.edge.messages import Attribution, resolve
from sidecars.enrichers import clicks, lookups, opens, statuses
from sidecars.enrichers.outcome import Event, Outcome, as_uuid, message_ids
from sidecars.enrichers.statuses import Status
from sidecars.transactional.submitted import record_submitted

Handler = Callable[[Sequence[bytes]], Outcome]


def handle_statuses(lines: Sequence[bytes]) -> Outcome:
    """What the edges report. A mail that a team's program submitted enters the ledger by its first event."""
    told = [statuses.read(line) for line in lines]
    known = resolve(status.message_id for status in told if status.message_id)
    submitted = [line for line, status in zip(lines, told, strict=True) if _is_submitted(status, known)]
    if submitted:
        recorded = record_submitted(map(orjson.loads, submitted))
        known |= {str(message_id): whose for message_id, whose in recorded.items()}
    return judge_statuses(lines, told, known, _now())


def handle_opens(lines: Sequence[bytes]) -> Outcome:
    """Pixels asked for."""
    events = read_events(lines)
    return judge_opens(events, resolve(message_ids(events)), _now())


def handle_clicks(lines: Sequence[bytes]) -> Outcome:
    """Links followed, subscriptions ended."""
    events = read_events(lines)
    followed = lookups.with_recent([event for event in events if event["type"] == "click"])
    leaving = [event for event in events if event["type"] != "click"]
    return judge_clicks([*followed, *leaving], resolve(message_ids(events)), _now())


HANDLERS: Mapping[str, Handler] = {
    names.TOPIC_STATUSES: handle_statuses,
    names.TOPIC_OPENS: handle_opens,
    names.TOPIC_CLICKS: handle_clicks,
}


def judge_statuses(
    lines: Sequence[bytes], told: Sequence[Status], known: Mapping[str, Attribution], processed_at: str
) -> Outcome:
    """`told` holds what `statuses.read` made of each line, `known` whose the mails are."""
    returned = {status.message_id for status in told if status.type == "inbound"}
    recipients = lookups.recipients({as_uuid(id_): known[id_] for id_ in known if id_ in returned})
    return statuses.process(lines, told, known, recipients, processed_at)


def judge_opens(events: Sequence[Event], known: Mapping[UUID, Attribution], processed_at: str) -> Outcome:
    """`known` has whose the mails are."""
    return opens.process(events, known, lookups.delivered_at(message_ids(events)), processed_at)


def judge_clicks(events: Sequence[Event], known: Mapping[UUID, Attribution], processed_at: str) -> Outcome:
    """`events` has the clicks of the same mails at the same time too; `known` whose the mails are."""
    clicked = [
        (known.get(as_uuid(event["message_id"])), event["link_index"])
        for event in events
        if event["type"] == "click"
    ]
    urls = lookups.urls((whose.variant_id, index) for whose, index in clicked if whose)
    delivered_at = lookups.delivered_at(message_ids(events))
    return clicks.process(events, known, delivered_at, urls, processed_at)


def read_events(lines: Sequence[bytes]) -> list[Event]:
    """The events of opens and clicks."""
    return [orjson.loads(line) for line in lines]


def _is_submitted(status: Status, known: Mapping[str, Attribution]) -> bool:
    """A mail by a team's program that the ledger does not have yet, or not with its submission."""
    may_be = status.submitted or status.stream == "transactional"  # older edges do not say it
    if not may_be or status.type == "inbound" or not status.team_id:
        return False
    return status.type == "accepted" or status.message_id not in known


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
