"""One broadcast on its way, from its publishing to the verdict."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import requests

from chaos.site import Site
from chaos.verdict import ON_THE_WAY, Row, Verdict, judge, late
from sidecars.broadcasts.states import SendState

LOOK_SECONDS = 0.05
# Longer than the longest pause before another attempt at a mail (infra/local/environment.py).
PATIENCE_SECONDS = 120
EVENTS_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """What was done to one broadcast, and what came of it.

    `connections`: the most that were open to receivers. `seconds`: from publishing to the last mail's fate.
    """

    victim: str
    how: str
    strikes: int
    connections: int
    seconds: float
    verdict: Verdict


class Flight:
    """A broadcast on its way; publishes it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.connections = 0
        self.on_the_way = site.recipients
        self._contacts = site.contacts()
        self._before = site.progress()["counts"]["accepted"]
        self._began = time.monotonic()
        self.broadcast_id = site.publish()

    def received(self) -> int:
        """Mails of it that readers have; looks at the connections, too."""
        progress = self.site.progress()
        self.connections = max(self.connections, progress["connections"])
        return int(progress["counts"]["accepted"] - self._before)

    def reach(self, share: float) -> None:
        """Returns when readers have that share of it, or every mail has its fate."""
        _until(lambda: self.received() >= share * self.site.recipients or _on_the_way(self.broadcast_id) == 0)

    def land(
        self,
        victim: str,
        how: str,
        strikes: int,
        settle: Callable[[], None] = lambda: None,
        quiet: Sequence[tuple[str, str]] = (),
    ) -> Outcome:
        """Waits until every mail has its fate and the events of it have arrived, then judges.

        Or until nothing has changed for so long that nothing will: the verdict tells what is wrong then.
        `settle` is run between the two. In the `quiet` times nothing was to be received.
        """
        while self.on_the_way and _until(self._has_come_on):
            pass
        seconds = time.monotonic() - self._began
        settle()
        _until(lambda: self._differences() == [], EVENTS_SECONDS)
        receipts = self._receipts()
        verdict = judge(
            self._contacts,
            _ledger(self.broadcast_id),
            Counter(UUID(receipt["message_id"]) for receipt in receipts),
            strikes * self.connections,
            [*self._differences(), *late(receipts, quiet)],
        )
        return Outcome(victim, how, strikes, self.connections, seconds, verdict)

    def _has_come_on(self) -> bool:
        """Whether `on_the_way` is another number than at the look before. Looks at connections, too."""
        before = self.on_the_way
        self.received()
        self.on_the_way = _on_the_way(self.broadcast_id)
        return self.on_the_way != before

    def _differences(self) -> Sequence[str]:
        from sidecars.broadcasts.reconcile import reconcile
        from sidecars.models import database

        with database.connection_context():
            return list(reconcile(self.broadcast_id).differences)

    def _receipts(self) -> list[dict[str, Any]]:
        query = {"broadcast_id": str(self.broadcast_id), "kind": "accepted"}
        url = f"{self.site.simulator}/receipts.ndjson"
        with requests.get(url, params=query, stream=True, timeout=60) as answer:
            answer.raise_for_status()
            return [orjson.loads(line) for line in answer.iter_lines()]


def _ledger(broadcast_id: int) -> list[Row]:
    from sidecars.models import database

    with database.connection_context():
        rows = database.execute_sql(
            "SELECT contact_id, message_id, state FROM sends WHERE broadcast_id = %s", [broadcast_id]
        ).fetchall()
    return [Row(contact_id, UUID(bytes=mail), SendState(state)) for contact_id, mail, state in rows]


def _on_the_way(broadcast_id: int) -> int:
    """Mails without a fate; at least 1 while the broadcast has not ended."""
    from sidecars.models import Broadcast, Send, database

    with database.connection_context():
        mails = Send.select().where(Send.broadcast_id == broadcast_id, Send.state.in_(ON_THE_WAY)).count()
        return max(mails, Broadcast.get_by_id(broadcast_id).finished_at is None)


def _until(condition: Callable[[], bool], patience: float = PATIENCE_SECONDS) -> bool:
    """Waits for it, and says whether it came true in time.

    While a server is away, the condition cannot be told: that is no answer, and no failure.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with suppress(Exception):  # each client library has its own way to say "away"
            if condition():
                return True
        time.sleep(LOOK_SECONDS)
    return False
