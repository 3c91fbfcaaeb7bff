"""What the edge reported of a mail, told to the ledger or to ClickHouse alone."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sidecars.analytics.client import client
from sidecars.broadcasts.settle import Settlement, settle
from sidecars.broadcasts.states import Reason, SendState

EDGE = "edge-of-books"


def in_ledger(send: Any, to: SendState = SendState.DELIVERED) -> None:
    """As the enricher does."""
    reason = Reason.CANCELLED if to is SendState.CANCELLED else Reason.NONE
    settle([Settlement(send.broadcast_id, send.contact_id, to, reason, edge=EDGE)])


def in_clickhouse(send: Any, state: str = "delivered") -> None:
    """As the ingestion does."""
    row = {
        "event_id": uuid4(),
        "type": state,
        "occurred_at": datetime.now(UTC),
        "processed_at": datetime.now(UTC),
        "team_id": send.team_id,
        "broadcast_id": send.broadcast_id,
        "contact_id": send.contact_id,
        "message_id": send.message_id,
        "state": "" if state in ("accepted", "deferred") else state,
    }
    client().execute(f"INSERT INTO smtp_messages ({', '.join(row)}) VALUES", [row])
