"""What is to be told to an endpoint, and what came of it: the rows that workers take and write.

An endpoint is one worker's at a time, so within it nothing needs a lock. Whoever writes takes the endpoint's
row first, as everybody does.
"""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from peewee import chunked, fn

from sidecars.callbacks.client import Reply
from sidecars.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, database, now
from sidecars.models.moments import from_now, is_over
from sidecars.settings import settings

LEASE_SECONDS = 6
# Rests and waits are never longer, so what is further off was set by a clock that was put back.
_LONGEST = 14 * 24 * 3600
ROWS_AT_ONCE = 2000


class Attempted(NamedTuple):
    """A delivery and what came of it; `wait` is in seconds, None: it is settled."""

    delivery: WebhookDelivery
    reply: Reply
    state: str
    wait: float | None
    at: datetime


class Outcome(NamedTuple):
    """What a turn tells of its endpoint: see WebhookEndpoint. `rest` is in seconds."""

    failures: int
    rest: float
    is_slow: bool


# --- The endpoint's turn --------------------------------------------------------------------


def due_endpoints() -> list[WebhookEndpoint]:
    """Those that have something due and are nobody's now; `id`, `failures` and `is_slow` of each."""
    return list(
        WebhookEndpoint.select(WebhookEndpoint.id, WebhookEndpoint.failures, WebhookEndpoint.is_slow)
        .where(*_is_due(), *_is_free())
        .order_by(WebhookEndpoint.due_at)
    )


def take_endpoint(endpoint_id: int) -> WebhookEndpoint | None:
    """The endpoint with a new claim, for LEASE_SECONDS; None where it is not due or another's."""
    claim = uuid4()
    taken = (
        WebhookEndpoint.update(claim=claim, lease_until=from_now(LEASE_SECONDS))
        .where(WebhookEndpoint.id == endpoint_id, *_is_due(), *_is_free())
        .execute()
    )
    return WebhookEndpoint.get_or_none(WebhookEndpoint.claim == claim) if taken else None


def keep_endpoint(endpoint: WebhookEndpoint) -> bool:
    """Renews the lease; False where it is lost, or the endpoint is disabled or removed."""
    kept = WebhookEndpoint.update(lease_until=from_now(LEASE_SECONDS)).where(*_is_mine(endpoint))
    return bool(kept.execute())


def give_back(endpoint: WebhookEndpoint, outcome: Outcome) -> bool:
    """Ends the turn; True where more is due at once."""
    with database.atomic():
        mine = WebhookEndpoint.select(WebhookEndpoint.id, WebhookEndpoint.failing_since)
        kept = mine.where(*_is_mine(endpoint)).for_update().first()
        if kept is None:
            return False
        waiting = (WebhookDelivery.endpoint == endpoint.id, WebhookDelivery.state == "waiting")
        due_at = WebhookDelivery.select(fn.MIN(WebhookDelivery.due_at)).where(*waiting).scalar()
        WebhookEndpoint.update(
            claim=None,
            lease_until=None,
            due_at=due_at,
            failures=outcome.failures,
            failing_since=(kept.failing_since or now()) if outcome.failures else None,
            rests_until=from_now(outcome.rest) if outcome.rest else None,
            is_slow=outcome.is_slow,
        ).where(WebhookEndpoint.id == endpoint.id).execute()
    return bool(WebhookEndpoint.select().where(WebhookEndpoint.id == endpoint.id, *_is_due()).exists())


def _is_due() -> tuple[Any, ...]:
    return (
        is_over("due_at", longest=_LONGEST),
        WebhookEndpoint.disabled_at.is_null(),
        WebhookEndpoint.removed_at.is_null(),
        WebhookEndpoint.rests_until.is_null() | is_over("rests_until", longest=_LONGEST),
    )


def _is_free() -> tuple[Any, ...]:
    return (WebhookEndpoint.claim.is_null() | is_over("lease_until", longest=LEASE_SECONDS),)


def _is_mine(endpoint: WebhookEndpoint) -> tuple[Any, ...]:
    return (
        WebhookEndpoint.id == endpoint.id,
        WebhookEndpoint.claim == endpoint.claim,
        WebhookEndpoint.disabled_at.is_null(),
        WebhookEndpoint.removed_at.is_null(),
    )


# --- Its deliveries -------------------------------------------------------------------------


def next_due(endpoint: WebhookEndpoint, limit: int, without: Collection[UUID]) -> list[list[WebhookDelivery]]:
    """Chains of deliveries that are due, each about one thing and in order of time.

    While one about a thing waits to be tried again, the others about it wait with it. `without` are things
    that are in hand.
    """
    waits = WebhookDelivery.alias()
    blocked = waits.select(waits.id).where(
        waits.endpoint == endpoint.id,
        waits.about == WebhookDelivery.about,
        waits.state == "waiting",
        waits.due_at > from_now(),
    )
    mine = [
        WebhookDelivery.endpoint == endpoint.id,
        WebhookDelivery.state == "waiting",
        WebhookDelivery.due_at <= from_now(),
        ~fn.EXISTS(blocked),
    ]
    if without:
        mine.append(WebhookDelivery.about.not_in(list(without)))
    rows = WebhookDelivery.select().where(*mine).order_by(WebhookDelivery.due_at, WebhookDelivery.id)
    chains: dict[UUID, list[WebhookDelivery]] = {}
    for row in sorted(rows.limit(limit), key=lambda row: (row.occurred_at, row.id)):
        chains.setdefault(row.about, []).append(row)
    return list(chains.values())


def write_down(endpoint: WebhookEndpoint, attempted: Sequence[Attempted]) -> None:
    """Each attempt, and where its delivery stands now."""
    if not attempted:
        return
    with database.atomic():
        WebhookEndpoint.select(WebhookEndpoint.id).where(
            WebhookEndpoint.id == endpoint.id
        ).for_update().first()
        _log_attempts(endpoint, attempted)
        for state in ("delivered", "failed"):
            settled = [each.delivery.id for each in attempted if each.state == state]
            if settled:
                WebhookDelivery.update(
                    state=state, attempts=WebhookDelivery.attempts + 1, settled_at=from_now()
                ).where(WebhookDelivery.id.in_(settled), WebhookDelivery.state == "waiting").execute()
        for each in attempted:
            if each.wait is not None:
                _put_off(each.delivery, each.wait)


def _put_off(delivery: WebhookDelivery, wait: float) -> None:
    """The delivery, and with it what is to follow it."""
    about_it = (
        WebhookDelivery.endpoint == delivery.endpoint_id,
        WebhookDelivery.about == delivery.about,
        WebhookDelivery.state == "waiting",
    )
    WebhookDelivery.update(attempts=WebhookDelivery.attempts + 1).where(
        WebhookDelivery.id == delivery.id, WebhookDelivery.state == "waiting"
    ).execute()
    WebhookDelivery.update(due_at=from_now(wait)).where(*about_it).execute()


def _log_attempts(endpoint: WebhookEndpoint, attempted: Sequence[Attempted]) -> None:
    place = "(%s, %s, %s, %s, %s, %s, %s, %s)"
    database.execute_sql(
        f"""INSERT INTO webhook_attempts (endpoint_id, delivery_id, url, status, error, reply, duration_ms,
                                          attempted_at)
            VALUES {", ".join([place] * len(attempted))}""",  # noqa: S608
        [
            value
            for each in attempted
            for value in (
                endpoint.id,
                each.delivery.id,
                endpoint.url,
                each.reply.status,
                each.reply.error,
                each.reply.text,
                int(each.reply.seconds * 1000),
                WebhookAttempt.attempted_at.db_value(each.at),
            )
        ],
    )


# --- What the team sees and asks for -----------------------------------------------------------


def waiting(endpoint_ids: Collection[int]) -> dict[int, int]:
    """How many deliveries wait for each endpoint."""
    rows: Any = (
        WebhookDelivery.select(WebhookDelivery.endpoint, fn.COUNT(WebhookDelivery.id))
        .where(WebhookDelivery.endpoint.in_(list(endpoint_ids)), WebhookDelivery.state == "waiting")
        .group_by(WebhookDelivery.endpoint)
        .tuples()
    )
    return dict(rows) if endpoint_ids else {}


def page(
    endpoint_id: int, before: int, limit: int, state: str | None, type_: str | None
) -> list[WebhookDelivery]:
    """The newest first; `before`: the id of the last one seen, 0 for the first page."""
    wanted = [WebhookDelivery.endpoint == endpoint_id]
    if before:
        wanted.append(WebhookDelivery.id < before)
    if state:
        wanted.append(WebhookDelivery.state == state)
    if type_:
        wanted.append(WebhookDelivery.type == type_)
    return list(WebhookDelivery.select().where(*wanted).order_by(WebhookDelivery.id.desc()).limit(limit))


def attempts(
    endpoint_id: int, before: int, limit: int, delivery_id: int | None
) -> list[tuple[WebhookAttempt, WebhookDelivery]]:
    """The newest first, each with its delivery; `before` as above."""
    wanted = [WebhookAttempt.endpoint == endpoint_id]
    if before:
        wanted.append(WebhookAttempt.id < before)
    if delivery_id is not None:
        wanted.append(WebhookAttempt.delivery_id == delivery_id)
    rows = list(WebhookAttempt.select().where(*wanted).order_by(WebhookAttempt.id.desc()).limit(limit))
    deliveries = WebhookDelivery.select().where(
        WebhookDelivery.id.in_([row.delivery_id for row in rows] or [0])
    )
    by_id = {delivery.id: delivery for delivery in deliveries}
    return [(row, by_id[row.delivery_id]) for row in rows if row.delivery_id in by_id]


def in_range(endpoint_id: int, since: datetime, until: datetime, only_failed: bool) -> tuple[Any, ...]:
    """Which settled deliveries happened from `since` up to and without `until`."""
    states = ("failed",) if only_failed else ("failed", "delivered")
    return (
        WebhookDelivery.endpoint == endpoint_id,
        WebhookDelivery.occurred_at >= since,
        WebhookDelivery.occurred_at < until,
        WebhookDelivery.state.in_(states),
    )


def count(*wanted: Any) -> int:
    """How many deliveries."""
    return int(WebhookDelivery.select().where(*wanted).count())


def replay(endpoint_id: int, *wanted: Any) -> int:
    """Has the endpoint's deliveries that are meant sent anew, with the same ids; returns how many."""
    ids = [row.id for row in WebhookDelivery.select(WebhookDelivery.id).where(*wanted)]
    for some in chunked(ids, ROWS_AT_ONCE):
        with database.atomic():
            WebhookEndpoint.update(due_at=from_now(), rests_until=None).where(
                WebhookEndpoint.id == endpoint_id, WebhookEndpoint.disabled_at.is_null()
            ).execute()
            WebhookDelivery.update(
                state="waiting",
                attempts=0,
                due_at=from_now(),
                give_up_at=now() + timedelta(hours=settings.courier_retry_hours),
                settled_at=None,
            ).where(WebhookDelivery.id.in_(some), WebhookDelivery.state != "waiting").execute()
    return len(ids)


def forget(team_id: int, address: str) -> None:
    """Removes what tells of a mail address, in capitals or not. It looks at all that the team has here."""
    theirs = WebhookEndpoint.select(WebhookEndpoint.id).where(WebhookEndpoint.team == team_id)
    tells = fn.INSTR(WebhookDelivery.body, f'"{address}"') > 0
    rows = WebhookDelivery.select(WebhookDelivery.id).where(WebhookDelivery.endpoint.in_(theirs), tells)
    for some in chunked([row.id for row in rows], ROWS_AT_ONCE):
        WebhookAttempt.delete().where(WebhookAttempt.delivery_id.in_(some)).execute()
        WebhookDelivery.delete().where(WebhookDelivery.id.in_(some)).execute()


# --- The end ---------------------------------------------------------------------------------


def sweep() -> int:
    """Removes a part of what is older than COURIER_LOG_DAYS or of a removed endpoint; returns how much."""
    old = now() - timedelta(days=settings.courier_log_days)
    removed = WebhookEndpoint.select(WebhookEndpoint.id).where(WebhookEndpoint.removed_at.is_null(False))
    gone = [row.id for row in removed]
    swept = 0
    for model, moment in (
        (WebhookAttempt, WebhookAttempt.attempted_at),
        (WebhookDelivery, WebhookDelivery.created_at),
    ):
        settled = [] if model is WebhookAttempt else [WebhookDelivery.state != "waiting"]
        swept += model.delete().where(moment < old, *settled).limit(ROWS_AT_ONCE).execute()
        for endpoint_id in gone:
            swept += model.delete().where(model.endpoint == endpoint_id).limit(ROWS_AT_ONCE).execute()
    if not swept:
        WebhookEndpoint.delete().where(WebhookEndpoint.id.in_(gone or [0])).execute()
    return swept


def lateness() -> float:
    """Seconds for which the endpoint that waits longest for a worker has waited; 0 where none does."""
    since = WebhookEndpoint.select(fn.MIN(WebhookEndpoint.due_at)).where(*_is_due(), *_is_free()).scalar()
    return max(0.0, time.time() - since.timestamp()) if since else 0.0
