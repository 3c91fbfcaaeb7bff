"""Events of the past, judged again by the rules of today: rows for ClickHouse, and nothing else.

Whose a mail is the ledger alone says; Redis, which serves the present, is not asked and learns nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sidecars import names
from sidecars.edge.messages import find_in_ledger
from sidecars.enrichers import statuses
from sidecars.enrichers.handlers import judge_clicks, judge_opens, judge_statuses, read_events
from sidecars.enrichers.outcome import Event, Outcome, as_uuid, message_ids, moment
from sidecars.enrichers.verdict import BURST_SECONDS

# Clicks lie in Kafka in the order in which they came, more or less.
REMEMBERED = timedelta(seconds=10 * BURST_SECONDS)


class Rejudge:
    """`topic` is a raw one, read from its beginning. Rows say that they were processed at `processed_at`."""

    def __init__(self, topic: str, processed_at: str) -> None:
        self._processed_at = processed_at
        self._recent: dict[str, Event] = {}  # clicks by event id
        self._judge = {
            names.TOPIC_STATUSES: self._statuses,
            names.TOPIC_OPENS: self._opens,
            names.TOPIC_CLICKS: self._clicks,
        }[topic]

    def __call__(self, lines: Sequence[bytes]) -> Outcome:
        """The topic's next events. Raises UnknownMessage, and what else the handlers raise."""
        return self._judge(lines)

    def _statuses(self, lines: Sequence[bytes]) -> Outcome:
        told = [statuses.read(line) for line in lines]
        known = find_in_ledger({as_uuid(status.message_id) for status in told if status.message_id})
        of_text = {str(message_id): whose for message_id, whose in known.items()}
        return judge_statuses(lines, told, of_text, self._processed_at)

    def _opens(self, lines: Sequence[bytes]) -> Outcome:
        events = read_events(lines)
        return judge_opens(events, find_in_ledger(message_ids(events)), self._processed_at)

    def _clicks(self, lines: Sequence[bytes]) -> Outcome:
        events = self._with_recent(read_events(lines))
        return judge_clicks(events, find_in_ledger(message_ids(events)), self._processed_at)

    def _with_recent(self, events: Sequence[Event]) -> list[Event]:
        """The events, and the clicks on the same mails in the moments before, each once."""
        among = self._recent | {event["event_id"]: event for event in events}
        mails = {event["message_id"] for event in events}
        newest: datetime = max(map(moment, events))
        self._recent = {
            id_: event
            for id_, event in among.items()
            if event["type"] == "click" and newest - moment(event) < REMEMBERED
        }
        return [event for event in among.values() if event["message_id"] in mails]
