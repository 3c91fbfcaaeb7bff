"""The queue of submissions to the edges, each in one worker's hands. Moments are the database's.

A claim is a lease: it puts `due_at` to its end, so that what a worker leaves behind comes up again by itself.
Every write of a worker to the queue is conditional on its claim.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from sidecars.broadcasts.moves import READ_COMMITTED
from sidecars.broadcasts.slices import MOST_ATTEMPTS
from sidecars.models import database
from sidecars.settings import settings

MOST_AT_ONCE = 200
# Of contents, which are in memory several times over while they are composed; one alone may have more.
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Piece:
    """Submissions that a worker took together, with how often each was taken, this time too."""

    claim: UUID
    attempts: dict[UUID, int]

    @property
    def ids(self) -> list[UUID]:
        """Of its submissions."""
        return list(self.attempts)


_held: dict[UUID, Piece] = {}
_held_lock = threading.Lock()


def take() -> Piece | None:
    """Claims those that have been due for longest; None where none is."""
    with database.atomic(READ_COMMITTED):
        rows = database.execute_sql(
            """SELECT submission_id, size, attempts FROM submission_queue WHERE due_at <= UTC_TIMESTAMP(3)
                ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED""",
            (MOST_AT_ONCE,),
        ).fetchall()
        attempts: dict[UUID, int] = {}
        size = 0
        for submission_id, bytes_, before in rows:
            size += bytes_
            if attempts and size > MOST_BYTES:
                break
            attempts[UUID(bytes=submission_id)] = min(before + 1, MOST_ATTEMPTS)
        if not attempts:
            return None
        piece = Piece(uuid4(), attempts)
        database.execute_sql(
            f"""UPDATE submission_queue
                   SET claim = %s, due_at = UTC_TIMESTAMP(3) + INTERVAL %s SECOND,
                       attempts = LEAST(attempts + 1, %s)
                 WHERE submission_id IN ({_places(attempts)})""",
            (piece.claim.bytes, settings.lease_seconds, MOST_ATTEMPTS, *_ids(piece.ids)),
        )
    return piece


def done(piece: Piece, ids: Sequence[UUID]) -> None:
    """Takes out those of which nothing is planned any more."""
    if ids:
        database.execute_sql(
            f"DELETE FROM submission_queue WHERE claim = %s AND submission_id IN ({_places(ids)})",
            (piece.claim.bytes, *_ids(ids)),
        )


def put_back(piece: Piece, ids: Sequence[UUID], seconds: float) -> None:
    """Leaves them for whoever comes after so long."""
    if ids:
        database.execute_sql(
            f"""UPDATE submission_queue SET claim = NULL, due_at = UTC_TIMESTAMP(3) + INTERVAL %s SECOND
                 WHERE claim = %s AND submission_id IN ({_places(ids)})""",
            (seconds, piece.claim.bytes, *_ids(ids)),
        )


@contextmanager
def held(piece: Piece) -> Iterator[None]:
    """While the block runs, `renew_leases` keeps it and `hand_back` can give it back."""
    with _held_lock:
        _held[piece.claim] = piece
    try:
        yield
    finally:
        with _held_lock:
            _held.pop(piece.claim, None)


def renew_leases() -> None:
    """Keeps what this process's workers are busy with, however slow the edge is."""
    for claim in _all_held():
        database.execute_sql(
            "UPDATE submission_queue SET due_at = UTC_TIMESTAMP(3) + INTERVAL %s SECOND WHERE claim = %s",
            (settings.lease_seconds, claim.bytes),
        )


def hand_back() -> None:
    """Leaves to others all that this process still holds."""
    for claim in _all_held():
        database.execute_sql(
            "UPDATE submission_queue SET claim = NULL, due_at = UTC_TIMESTAMP(3) WHERE claim = %s",
            (claim.bytes,),
        )


def _all_held() -> list[UUID]:
    with _held_lock:
        return list(_held)


def _ids(ids: Sequence[UUID]) -> list[bytes]:
    return [each.bytes for each in ids]


def _places(values: object) -> str:
    return ", ".join(["%s"] * len(values))  # type: ignore[arg-type]
