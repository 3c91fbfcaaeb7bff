"""A turn: an endpoint's due deliveries, some at a time, for a few seconds.

A turn is an event loop in a worker's thread, and an endpoint has one turn at a time. So it has its own bound
of requests at once, and what is about one thing goes in order, by looking at nothing but the turn itself.
Where it has been failing, one request finds out whether it is well before the others go. A worker that dies
leaves a lease that runs out; what it had sent and not written down is sent again, with the same id.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import uvloop

from sidecars.callbacks import deliveries, endpoints, signing
from sidecars.callbacks.client import Client, Reply, client
from sidecars.callbacks.deliveries import Attempted, Outcome
from sidecars.callbacks.events import shown
from sidecars.callbacks.retries import judge, rest_after, wait_after
from sidecars.deliverability.seal import SealError
from sidecars.models import WebhookDelivery, WebhookEndpoint, database, now
from sidecars.settings import settings
from sidecars.telemetry import CALLBACKS

log = logging.getLogger(__name__)

TURN_SECONDS = 10.0
KEEP_EVERY_SECONDS = 1.5
WRITE_EVERY_SECONDS = 0.5
TAKEN_AT_ONCE = 500
WRITTEN_AT_ONCE = 200
# An endpoint whose answers take longer on average is slow, and waits for a worker among its like.
SLOW_SECONDS = 2.0

# Set when the process is to end: turns then end with the requests at hand.
draining = threading.Event()

GONE = "It answered 410 Gone, which asks for no more events."


def take_turn(endpoint_id: int) -> bool:
    """Delivers what is due, if no other worker is at it; True where more is due at once."""
    with database.connection_context():
        endpoint = deliveries.take_endpoint(endpoint_id)
    if endpoint is None:
        return False
    turn = Turn(endpoint)
    try:
        uvloop.run(turn.run())
    finally:
        with database.connection_context():
            turn.write_down()
            more = deliveries.give_back(endpoint, turn.outcome())
            turn.disable_if_hopeless()
    return more


class Turn:
    """Of one endpoint; `run` once."""

    def __init__(self, endpoint: WebhookEndpoint) -> None:
        self._endpoint = endpoint
        self._secrets: list[str] = []
        self._chains: deque[list[WebhookDelivery]] = deque()
        self._in_hand: set[UUID] = set()
        self._results: list[Attempted] = []
        self._written = time.monotonic()
        self._ends = time.monotonic() + TURN_SECONDS
        self._is_lost = False
        self._gone = False
        self._taken = self._refused = 0
        self._seconds = 0.0
        self._retry_after = 0

    async def run(self) -> None:
        """Returns when nothing is due any more, the time is over, or nothing gets through."""
        try:
            self._secrets = endpoints.secrets(self._endpoint, now())
        except SealError:
            log.exception("a webhook's secret cannot be read", extra={"endpoint_id": self._endpoint.id})
            self._refused += 1
            return
        keeper = asyncio.create_task(self._keep())
        async with client(settings.courier_at_once) as http:
            if self._endpoint.failures and (chain := self._next_chain()):
                await self._deliver_chain(http, chain)
            if self._taken or not self._refused:
                async with asyncio.TaskGroup() as group:
                    for _ in range(settings.courier_at_once):
                        group.create_task(self._work(http))
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper

    def write_down(self) -> None:
        """What came of the attempts so far."""
        results, self._results = self._results, []
        self._written = time.monotonic()
        deliveries.write_down(self._endpoint, results)

    def outcome(self) -> Outcome:
        """Of the whole turn."""
        asked = self._taken + self._refused
        failures = 0 if self._taken else self._endpoint.failures + bool(self._refused)
        rest = rest_after(failures, settings.courier_first_retry_seconds) if failures else 0.0
        is_slow = self._seconds > asked * SLOW_SECONDS if asked else self._endpoint.is_slow
        return Outcome(failures, max(rest, float(self._retry_after)), is_slow)

    def disable_if_hopeless(self) -> None:
        """At once where it is gone, else after COURIER_DISABLE_HOURS in which nothing got through."""
        since = None if self._taken else self._endpoint.failing_since
        if self._gone:
            endpoints.disable(self._endpoint, GONE)
        elif since and since < now() - timedelta(hours=settings.courier_disable_hours):
            endpoints.disable(self._endpoint, f"Nothing has got through since {since:%Y-%m-%d %H:%M} UTC.")

    # --- While it runs ---

    async def _keep(self) -> None:
        while not self._is_lost:
            await asyncio.sleep(KEEP_EVERY_SECONDS)
            with database.connection_context():
                self._is_lost = not deliveries.keep_endpoint(self._endpoint)
                self.write_down()

    async def _work(self, http: Client) -> None:
        while chain := self._next_chain():
            await self._deliver_chain(http, chain)

    def _next_chain(self) -> list[WebhookDelivery] | None:
        if not self._goes_on():
            return None
        if not self._chains:
            with database.connection_context():
                self.write_down()
                self._chains.extend(deliveries.next_due(self._endpoint, TAKEN_AT_ONCE, without=self._in_hand))
        return self._chains.popleft() if self._chains else None

    def _goes_on(self) -> bool:
        hopeless = self._refused >= settings.courier_at_once and not self._taken
        over = time.monotonic() > self._ends
        ends = draining.is_set() or self._is_lost or self._gone
        return not (hopeless or over or ends or self._retry_after)

    async def _deliver_chain(self, http: Client, chain: list[WebhookDelivery]) -> None:
        about = chain[0].about
        self._in_hand.add(about)
        for delivery in chain:
            if not self._goes_on() or not await self._deliver(http, delivery):
                break
        self._in_hand_no_more(about)

    def _in_hand_no_more(self, about: UUID) -> None:
        """Written down first: what is asked for next must not be what was just delivered."""
        due = len(self._results) >= WRITTEN_AT_ONCE
        if due or time.monotonic() > self._written + WRITE_EVERY_SECONDS:
            with database.connection_context():
                self.write_down()
        self._in_hand.discard(about)

    async def _deliver(self, http: Client, delivery: WebhookDelivery) -> bool:
        at = datetime.now(UTC)
        signed = signing.headers(self._secrets, shown(delivery.event_id), int(at.timestamp()), delivery.body)
        reply = await http.post(self._endpoint.url, delivery.body, signed)
        verdict = judge(reply.status)
        self._taken += verdict.taken
        self._refused += not verdict.taken
        self._gone |= verdict.gone
        self._seconds += reply.seconds
        if not verdict.taken and reply.status in (429, 503):
            self._retry_after = max(self._retry_after, reply.retry_after)
        self._results.append(_attempted(delivery, reply, verdict.taken, at))
        CALLBACKS.labels("delivered" if verdict.taken else "failed").inc()
        return verdict.taken


def _attempted(delivery: WebhookDelivery, reply: Reply, taken: bool, at: datetime) -> Attempted:
    if taken:
        return Attempted(delivery, reply, "delivered", None, at)
    left = (delivery.give_up_at - at).total_seconds()
    if left <= 0:
        return Attempted(delivery, reply, "failed", None, at)
    wait = wait_after(delivery.attempts + 1, settings.courier_first_retry_seconds)
    # The last attempt is when the time is over.
    return Attempted(delivery, reply, "waiting", min(wait, left + 1), at)
