"""From what happened to what is to be delivered: a row for each endpoint that wants the event, once.

A team without endpoints costs a look at an index. Whoever tells an event again, as a record read twice does,
adds nothing: (endpoint, event) is unique.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from peewee import SQL, chunked

from sidecars.callbacks.events import Event, EventType, body, stands_for
from sidecars.models import WebhookDelivery, WebhookEndpoint, database, now
from sidecars.settings import settings

ROWS_A_STATEMENT = 500


class Listener(NamedTuple):
    """An endpoint that is enabled, and what it wants."""

    endpoint_id: int
    events: frozenset[str]
    stream: str | None

    def wants(self, event: Event) -> bool:
        """By its type, and its stream where it has one."""
        return event.type in self.events and (not self.stream or event.stream in (None, self.stream))


Listeners = Mapping[int, Sequence[Listener]]


def listeners(team_ids: Collection[int]) -> Listeners:
    """Those of the teams, by team; without the teams that have none."""
    found: dict[int, list[Listener]] = defaultdict(list)
    rows = (
        WebhookEndpoint.select(
            WebhookEndpoint.team, WebhookEndpoint.id, WebhookEndpoint.events, WebhookEndpoint.stream
        )
        .where(
            WebhookEndpoint.team.in_(list(team_ids)),
            WebhookEndpoint.disabled_at.is_null(),
            WebhookEndpoint.removed_at.is_null(),
        )
        .order_by(WebhookEndpoint.id)
    )
    for row in rows if team_ids else ():
        found[row.team_id].append(Listener(row.id, frozenset(row.events), row.stream))
    return found


def record(events: Iterable[Event], to: Listeners) -> int:
    """Has the events delivered to those who want them; returns how many deliveries that is."""
    rows = [
        (listener.endpoint_id, event)
        for event in events
        for listener in to.get(event.team_id, ())
        if listener.wants(event)
    ]
    if not rows:
        return 0
    with database.atomic():
        # First, and in one order: who inserts a delivery locks its endpoint, and two who both did would
        # wait for each other here.
        due = SQL("LEAST(COALESCE(due_at, UTC_TIMESTAMP(3)), UTC_TIMESTAMP(3))")
        for endpoint_id in sorted({endpoint_id for endpoint_id, _ in rows}):
            WebhookEndpoint.update(due_at=due).where(WebhookEndpoint.id == endpoint_id).execute()
        for some in chunked(rows, ROWS_A_STATEMENT):
            _insert(some)
    return len(rows)


def tell(
    team_id: int,
    type_: EventType,
    about: str,
    at: datetime,
    data: Mapping[str, Any],
    stream: str | None = None,
) -> None:
    """Something that happened in MySQL, told in the transaction in which it does.

    `about` is a thing with its id (`broadcast:7`); with the type and `at` it tells this time from another.
    """
    to = listeners([team_id])
    if to:
        id_ = stands_for(team_id, type_, about, at.isoformat())
        record([Event(id_, team_id, type_, stands_for(team_id, about), at, stream, data)], to)


def _insert(rows: Sequence[tuple[int, Event]]) -> None:
    # As text: peewee takes 80 µs to compose a row. Not INSERT IGNORE, which would swallow every other error.
    moment = WebhookDelivery.created_at.db_value(now())
    give_up = WebhookDelivery.created_at.db_value(now() + timedelta(hours=settings.courier_retry_hours))
    place = "(%s, %s, %s, %s, %s, %s, 'waiting', UTC_TIMESTAMP(3), %s, %s)"
    database.execute_sql(
        f"""INSERT INTO webhook_deliveries (endpoint_id, event_id, type, about, occurred_at, body, state,
                                            due_at, give_up_at, created_at)
            VALUES {", ".join([place] * len(rows))}
            ON DUPLICATE KEY UPDATE webhook_deliveries.event_id = webhook_deliveries.event_id""",  # noqa: S608
        [
            value
            for endpoint_id, event in rows
            for value in (
                endpoint_id,
                event.id.bytes,
                event.type,
                event.about.bytes,
                WebhookDelivery.occurred_at.db_value(event.occurred_at),
                body(event),
                give_up,
                moment,
            )
        ],
    )
