"""Slices: ranges of a broadcast's recipients, each in the hands of one worker at a time.

A claim is a lease. A worker that dies leaves its slice claimed; the clock opens it again when the lease is
over. Every write of a worker to its slice is conditional on its claim. Times are the database's.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from peewee import SQL

from sidecars.broadcasts import wakeups
from sidecars.broadcasts.finish import finish
from sidecars.broadcasts.moves import READ_COMMITTED
from sidecars.broadcasts.states import BroadcastState, SendState
from sidecars.models import Broadcast, SendSlice, database
from sidecars.models.moments import from_now, is_over
from sidecars.settings import settings
from sidecars.telemetry import MAILS, STAGE_SECONDS

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30
MOST_ATTEMPTS = 65535  # what the column can hold


@dataclass(frozen=True)
class Slice:
    """Contact ids from lo to hi, claimed by us: `n` sends, less those that are done with.

    `attempts` counts the claims so far, this one too.
    """

    broadcast_id: int
    lo: int
    hi: int
    n: int
    attempts: int
    claim: UUID

    @property
    def contact_ids(self) -> range:
        """All ids from lo to hi, though not all of them have a send."""
        return range(self.lo, self.hi + 1)


_held: dict[UUID, Slice] = {}
_held_lock = threading.Lock()


def claim_slice(broadcast_id: int) -> Slice | None:
    """The next open slice of the broadcast, if it is being sent; None where there is none now."""
    sending = (Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.SENDING.value)
    return take_slice(broadcast_id) if Broadcast.select().where(*sending).exists() else None


def take_slice(broadcast_id: int) -> Slice | None:
    """Claims the first open slice whose time has come, whatever the state of its broadcast."""
    with STAGE_SECONDS.labels("claim").time(), database.atomic(READ_COMMITTED):
        row = (
            SendSlice.select(SendSlice.lo, SendSlice.hi, SendSlice.n, SendSlice.attempts)
            .where(SendSlice.broadcast == broadcast_id, *is_due())
            .order_by(SendSlice.lo)
            .for_update(skip_locked=True)
            .tuples()
            .first()
        )
        if row is None:
            return None
        lo, hi, n, attempts = row
        piece = Slice(broadcast_id, lo, hi, n, min(attempts + 1, MOST_ATTEMPTS), uuid4())
        SendSlice.update(
            state="claimed", claim=piece.claim, lease_until=_lease(), attempts=piece.attempts
        ).where(SendSlice.broadcast == broadcast_id, SendSlice.lo == lo).execute()
    MAILS.labels("claim").inc(n)
    return piece


def close(piece: Slice) -> bool:
    """Marks the slice done, if it is still ours and none of its sends is to go. False: it is not done.

    The last slice ends its broadcast, once a transaction that this is part of is committed.
    """
    cursor = database.execute_sql(
        """UPDATE send_slices SET state = 'done', claim = NULL, lease_until = NULL
            WHERE broadcast_id = %s AND lo = %s AND claim = %s
              AND NOT EXISTS (SELECT 1 FROM sends
                               WHERE broadcast_id = %s AND contact_id BETWEEN %s AND %s AND state = %s
                                 AND variant_id > 0)""",
        (
            *(piece.broadcast_id, piece.lo, piece.claim.bytes),
            *(piece.broadcast_id, piece.lo, piece.hi, SendState.PLANNED),
        ),
    )
    if not cursor.rowcount:
        return False
    database.after_commit(lambda: finish(piece.broadcast_id))
    return True


def open_again(piece: Slice, seconds: float | None = None) -> None:
    """Gives the slice back, if it is still ours, for others to take after so long; None: by its attempts."""
    rest = pause_seconds(piece.attempts) if seconds is None else seconds
    SendSlice.update(state="open", claim=None, lease_until=None, not_before=from_now(rest)).where(
        *_is_ours(piece)
    ).execute()


def is_due() -> tuple[Any, ...]:
    """The conditions for a slice that may be claimed: it is open, and has rested."""
    return (SendSlice.state == "open", is_over("not_before", longest=LONGEST_PAUSE_SECONDS))


def pause_seconds(attempts: int) -> float:
    """How long a slice rests that came back for the n-th time: half a second, doubled each time, to 30."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 10), LONGEST_PAUSE_SECONDS)


@contextmanager
def held(piece: Slice) -> Iterator[None]:
    """While the block runs, `renew_leases` keeps the slice and `hand_back` can give it back."""
    with _held_lock:
        _held[piece.claim] = piece
    try:
        yield
    finally:
        with _held_lock:
            _held.pop(piece.claim, None)


def renew_leases() -> None:
    """Keeps what this process's workers are busy with, however slow the edge is. For the clock."""
    for piece in _all_held():
        SendSlice.update(lease_until=_lease()).where(*_is_ours(piece)).execute()


def hand_back() -> int:
    """Opens every slice that this process still holds, for others to take at once; returns how many."""
    pieces = _all_held()
    for piece in pieces:
        open_again(piece, seconds=0)
        wakeups.send_soon(piece.broadcast_id)
    return len(pieces)


def _all_held() -> list[Slice]:
    with _held_lock:
        return list(_held.values())


def _is_ours(piece: Slice) -> tuple[Any, ...]:
    return (
        SendSlice.broadcast == piece.broadcast_id,
        SendSlice.lo == piece.lo,
        SendSlice.claim == piece.claim,
    )


def _lease() -> SQL:
    return from_now(settings.lease_seconds)
