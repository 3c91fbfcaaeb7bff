"""What of a broadcast is on its way: the records that Kafka holds, and the mails that edges hold."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from kafka.errors import KafkaError

from sidecars import names
from sidecars.broadcasts.states import SendState
from sidecars.edge import spools
from sidecars.edge.spools import SpoolState
from sidecars.models import Broadcast, database
from sidecars.streams import Backlog

_asking = threading.Lock()


@dataclass(frozen=True)
class EdgeShare:
    """Mails of a broadcast that stand as accepted by an edge, and those that it says it has.

    `waiting`: in its spool and queue; `event_bytes`: what it has not told yet, of any broadcast. Both are
    None where the edge was not heard of in the last ten seconds.
    """

    edge: str
    accepted: int
    waiting: int | None
    event_bytes: int | None


@dataclass(frozen=True)
class OnTheWay:
    """`records`: what the readers of each topic have not done with; None where Kafka does not answer.

    A record holds up to 2,000 events, of any broadcast.
    """

    records: dict[str, int] | None
    edges: list[EdgeShare]

    @property
    def is_nothing(self) -> bool:
        """Whether all that happened is known to ledger and ClickHouse, as far as can be told."""
        return (
            self.records is not None
            and not any(self.records.values())
            and not any(edge.event_bytes for edge in self.edges)
        )


def on_the_way(broadcast: Broadcast) -> OnTheWay:
    """As of now; edges as they told of themselves in the last second. Raises redis.RedisError."""
    told = spools.read()
    accepted = _accepted(broadcast.id)
    holding = {edge for edge, state in told.items() if broadcast.id in state.broadcasts}
    shares = [_share(edge, accepted, told, broadcast.id) for edge in sorted(accepted.keys() | holding)]
    return OnTheWay(records_waiting(), shares)


def missing(under_way: OnTheWay) -> Iterator[str]:
    """In words, accepted mails that no edge has, where nothing is on its way that would settle them."""
    for share in under_way.edges:
        if share.waiting is None:
            yield f"{share.edge or 'an edge'} has {share.accepted:,} of the mails, and is not heard of"
        elif under_way.is_nothing and share.accepted > share.waiting:
            yield f"{share.edge} should have {share.accepted:,} of the mails, and has {share.waiting:,}"


def _share(edge: str, accepted: Mapping[str, int], told: Mapping[str, SpoolState], id_: int) -> EdgeShare:
    state = told.get(edge)
    return EdgeShare(
        edge,
        accepted.get(edge, 0),
        None if state is None else state.broadcasts.get(id_, 0),
        None if state is None else state.event_bytes,
    )


def _accepted(broadcast_id: int) -> dict[str, int]:
    """By the edge's name; that of a mail whose edge has not told of it yet is empty."""
    rows = database.execute_sql(
        """SELECT COALESCE(g.name, ''), COUNT(*) FROM sends s LEFT JOIN edges g ON g.id = s.edge
            WHERE s.broadcast_id = %s AND s.state = %s GROUP BY 1""",
        (broadcast_id, SendState.ACCEPTED),
    )
    return dict(rows.fetchall())


def records_waiting() -> dict[str, int] | None:
    """By topic, the records that its readers have not done with; None where Kafka does not answer."""
    with suppress(KafkaError), _asking:
        return dict(_backlog().by_topic())
    return None


@cache
def _backlog() -> Backlog:
    return Backlog(names.READERS)
