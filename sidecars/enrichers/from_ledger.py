"""What became of mails whose events are lost: one row a mail, as the ledger has it.

It knows the mail's last state and when it came to stand there, not what the servers said.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

from sidecars.archive.rows import SendRow
from sidecars.archive.sends import read_sends
from sidecars.broadcasts.states import BroadcastState, Reason, SendState
from sidecars.broadcasts.told import told
from sidecars.edge.messages import Attribution
from sidecars.enrichers import lookups
from sidecars.models import ArchivedPart, Broadcast, Edge

SENDS_AT_ONCE = 5000
RESPONSE = "as the ledger has it; the event is lost"

Row = dict[str, Any]


def settled_before(ms: int, without: Callable[[ArchivedPart], None]) -> Iterator[list[SendRow]]:
    """Sends of one broadcast, or of none, at a time, that stand where an event put them before then.

    Damaged parts of the archive are told to `without`, perhaps more than once, and passed over.
    """
    begun = Broadcast.select(Broadcast.id).where(Broadcast.state != BroadcastState.DRAFT.value)
    for broadcast_id in (0, *(broadcast.id for broadcast in begun)):
        after = 0
        while sends := read_sends(broadcast_id, after=after, limit=SENDS_AT_ONCE, without=without):
            after = sends[-1].contact_id
            if settled := [send for send in sends if told(send) and send.settled_at * 1000 < ms]:
                yield settled


def rows_of(sends: Sequence[SendRow], processed_at: str) -> list[Row]:
    """Rows of `smtp_messages`. The same send has the same event ids each time."""
    edges = {edge.id: edge.name for edge in Edge.select()}
    addresses = lookups.addresses(map(_whose, sends))
    return [
        row
        for send in sends
        for row in _rows(send, addresses.get(_whose(send), ""), edges.get(send.edge, ""), processed_at)
    ]


def _rows(send: SendRow, recipient: str, edge: str, processed_at: str) -> Iterator[Row]:
    state, reason = SendState(send.state).name.lower(), Reason(send.reason)
    at = datetime.fromtimestamp(send.settled_at, UTC).isoformat()
    row = _whose(send)._asdict() | {
        "occurred_at": at,
        "message_id": str(send.message_id),
        "stream": "broadcast" if send.broadcast_id else "transactional",
        "recipient": recipient,
        "edge": edge,
        "attempt": send.attempts,
        "response": RESPONSE,
        "processed_at": processed_at,
    }
    if send.attempts > 1:
        yield row | {"event_id": str(uuid5(send.message_id, "deferred")), "type": "deferred", "attempt": 1}
    last = {"event_id": str(uuid5(send.message_id, state)), "type": state, "state": state}
    if reason:
        last["reason"] = reason.name.lower()
    if reason is Reason.LATE_DSN:
        last |= {"type": "inbound", "kind": "bounce"}
    yield row | last


def _whose(send: SendRow) -> Attribution:
    return Attribution(send.team_id, send.broadcast_id, send.contact_id, send.variant_id)
