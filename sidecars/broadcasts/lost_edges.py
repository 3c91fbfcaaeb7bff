"""An edge that is lost for good, its disk too: what it had taken and not told of goes back to the workers.

Nobody can know what of it the edge had sent before it was lost, so each such mail may arrive twice. Mail of
no broadcast cannot be sent again, as its text was on that disk alone.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from sidecars import names
from sidecars.broadcasts import claims
from sidecars.broadcasts.moves import READ_COMMITTED, move_broadcast, move_sends, put_back
from sidecars.broadcasts.on_the_way import records_waiting
from sidecars.broadcasts.states import BroadcastState, Reason, SendState
from sidecars.deliverability.operator_log import record
from sidecars.edge import spools
from sidecars.models import Broadcast, Edge, database

PAGE = 1000
# What the edge posted is in Kafka, and may settle some of its mails.
ENRICHER_PATIENCE_SECONDS = 30
LOOK_SECONDS = 0.2

_ENDED = (BroadcastState.CANCELLED.value, BroadcastState.STOPPED.value)


class Refused(Exception):
    """The edge cannot be forgotten, or not now; the message says why, and what to do."""


@dataclass(frozen=True)
class Standing:
    """An edge and what it has. `waiting` and `event_bytes` are None where it is not heard of."""

    name: str
    accepted: int
    waiting: int | None
    event_bytes: int | None


@dataclass(frozen=True)
class Loss:
    """Unsettled mails of a broadcast (id 0: of none) that were at the edge, and what becomes of them.

    `claimed` are mails of which no worker has heard that the edge took them; `becomes` is PLANNED (they are
    sent again), CANCELLED (the broadcast is), or UNKNOWN (their text is lost).
    """

    broadcast_id: int
    name: str
    accepted: int
    claimed: int
    becomes: SendState

    @property
    def may_arrive_twice(self) -> int:
        """At the most; in truth those that the edge sent and had not told of."""
        return self.accepted + self.claimed if self.becomes is SendState.PLANNED else 0


def standings() -> list[Standing]:
    """Every edge that ever took a mail, by name. Looks at the whole ledger. Raises redis.RedisError."""
    told = spools.read()
    rows = database.execute_sql(
        """SELECT g.name, COUNT(s.state) FROM edges g LEFT JOIN sends s ON s.edge = g.id AND s.state = %s
            GROUP BY g.name ORDER BY g.name""",
        (SendState.ACCEPTED,),
    ).fetchall()
    return [
        Standing(
            name,
            accepted,
            told[name].mails if name in told else None,
            told[name].event_bytes if name in told else None,
        )
        for name, accepted in rows
    ]


def foresee(name: str) -> list[Loss]:
    """What `forget` would do. Changes nothing.

    Raises Refused for an edge that never took a mail or that lives, and while events of edges wait for the
    enricher; redis.RedisError where Redis does not answer.
    """
    edge = Edge.get_or_none(Edge.name == name)
    if edge is None:
        raise Refused(f"No edge {name} ever took a mail. ./kiba edge list names those that did.")
    _refuse_the_living(name)
    _wait_for_the_enricher()
    return [loss for loss in _losses(edge) if loss.accepted or loss.claimed]


def forget(by: str, name: str) -> list[Loss]:
    """Puts the edge's unsettled mails back, and returns what `foresee` would have told.

    May be interrupted and repeated: what has gone back is no longer the edge's. Raises as `foresee` does.
    """
    losses = foresee(name)
    edge = Edge.get(Edge.name == name)
    for loss in losses:
        for page in _claimed(edge, loss.broadcast_id):
            claims.release(loss.broadcast_id, page)
        for page in _accepted(edge, loss.broadcast_id):
            _move(edge, loss, page)
    mails = sum(loss.accepted + loss.claimed for loss in losses)
    record(by, "forget edge", name, mails=mails, broadcasts=[loss.broadcast_id for loss in losses])
    return losses


def _refuse_the_living(name: str) -> None:
    if name in spools.read():
        raise Refused(
            f"{name} lives: it told of its spool within the last ten seconds. End its process for good, then "
            "wait ten seconds."
        )


def _wait_for_the_enricher() -> None:
    until = time.monotonic() + ENRICHER_PATIENCE_SECONDS
    while (records := records_waiting()) is None or records[names.TOPIC_STATUSES]:
        if time.monotonic() > until:
            behind = "Kafka does not answer" if records is None else "the enricher has not read all events"
            raise Refused(
                f"{behind}: some of the mails may be settled in truth. Try again when it is well; "
                "./kiba doctor tells more."
            )
        time.sleep(LOOK_SECONDS)


def _losses(edge: Edge) -> Iterator[Loss]:
    yield Loss(0, "mail of no broadcast", _count(edge, 0), 0, SendState.UNKNOWN)
    planned = Broadcast.select().where(Broadcast.planned_total > 0, Broadcast.archived_at.is_null())
    for broadcast in planned.order_by(Broadcast.id):
        becomes = SendState.CANCELLED if broadcast.state in _ENDED else SendState.PLANNED
        claimed = sum(map(len, _claimed(edge, broadcast.id)))
        yield Loss(broadcast.id, broadcast.name, _count(edge, broadcast.id), claimed, becomes)


def _count(edge: Edge, broadcast_id: int) -> int:
    row = database.execute_sql(
        "SELECT COUNT(*) FROM sends WHERE broadcast_id = %s AND state = %s AND edge = %s",
        (broadcast_id, SendState.ACCEPTED, edge.id),
    ).fetchone()
    return int(row[0])


def _accepted(edge: Edge, broadcast_id: int) -> Iterator[list[int]]:
    """Contact ids of what the ledger says the edge has, by pages."""
    after = 0
    while page := _contacts(
        "broadcast_id = %s AND contact_id > %s AND state = %s AND edge = %s",
        (broadcast_id, after, SendState.ACCEPTED, edge.id),
        PAGE,
    ):
        yield page
        after = page[-1]


def _claimed(edge: Edge, broadcast_id: int) -> Iterator[list[int]]:
    """Contact ids of planned mails that the edge has claimed: its answer died with a worker."""
    slices = database.execute_sql(
        """SELECT lo, hi FROM send_slices
            WHERE broadcast_id = %s AND state IN ('open', 'claimed') AND attempts > 0""",
        (broadcast_id,),
    ).fetchall()
    for lo, hi in slices:
        planned = _contacts(
            "broadcast_id = %s AND contact_id BETWEEN %s AND %s AND state = %s",
            (broadcast_id, lo, hi, SendState.PLANNED),
            hi - lo + 1,
        )
        if held := claims.held_by(edge.name, broadcast_id, planned):
            yield held


def _contacts(condition: str, parameters: tuple[int, ...], limit: int) -> list[int]:
    rows = database.execute_sql(
        f"SELECT contact_id FROM sends WHERE {condition} ORDER BY contact_id LIMIT %s", (*parameters, limit)
    )
    return [contact_id for (contact_id,) in rows]


def _move(edge: Edge, loss: Loss, contact_ids: list[int]) -> None:
    accepted = frozenset({SendState.ACCEPTED})
    if loss.becomes is SendState.PLANNED:
        # Claims first: of a mail that is planned while they stand, another edge would say it is taken.
        claims.release(loss.broadcast_id, claims.held_by(edge.name, loss.broadcast_id, contact_ids))
        _plan_again(loss.broadcast_id, contact_ids)
    else:
        move_sends(loss.broadcast_id, contact_ids, accepted, loss.becomes, Reason.EDGE_LOST)


def _plan_again(broadcast_id: int, contact_ids: list[int]) -> None:
    """Back to the workers: the sends, their slices, and their broadcast if it had ended."""
    with database.atomic(READ_COMMITTED):
        put_back(broadcast_id, contact_ids)
        database.execute_sql(
            """UPDATE send_slices p SET state = 'open', attempts = 0
                WHERE p.broadcast_id = %s AND p.state = 'done' AND p.lo <= %s AND p.hi >= %s
                  AND EXISTS (SELECT 1 FROM sends s WHERE s.broadcast_id = p.broadcast_id
                                 AND s.contact_id BETWEEN p.lo AND p.hi AND s.state = %s)""",
            (broadcast_id, contact_ids[-1], contact_ids[0], SendState.PLANNED),
        )
        move_broadcast(broadcast_id, {BroadcastState.SENT}, BroadcastState.SENDING, finished_at=None)
