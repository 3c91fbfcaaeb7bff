"""What events have told the ledger of a mail, and so ClickHouse too: the books are held together by it.

A mail is cancelled by a worker or the clock while it is planned, of which ClickHouse hears nothing, or by the
edge that had it, which tells both. A lost edge's mails are neither's (`Reason.EDGE_LOST`).
"""

from sidecars.archive.rows import SendRow
from sidecars.broadcasts.states import Reason, SendState

ALWAYS_TOLD = (SendState.DELIVERED, SendState.BOUNCED, SendState.UNKNOWN)
# The same as `told`, as a condition on `sends`.
IS_TOLD = (
    f"(state IN ({', '.join(map(str, map(int, ALWAYS_TOLD)))})"
    f" OR state = {int(SendState.CANCELLED)} AND reason = {int(Reason.CANCELLED)} AND edge <> 0)"
)


def told(send: SendRow) -> str | None:
    """The state that an event told, in words; None where none has."""
    by_edge = send.state == SendState.CANCELLED and send.reason == Reason.CANCELLED and send.edge
    return SendState(send.state).name.lower() if send.state in ALWAYS_TOLD or by_edge else None
