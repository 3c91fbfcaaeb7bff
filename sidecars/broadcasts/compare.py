"""Where the ledger and ClickHouse tell differently of a broadcast's mails.

Neither is held in memory: both add up their mails by ranges of contacts, and only ranges whose sums differ
are looked at mail by mail. The sums have checksums of the message ids, so that two errors do not cancel each
other out.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zlib import crc32

from sidecars.analytics.client import query
from sidecars.archive.rows import SendRow
from sidecars.archive.sends import is_archived, read_sends
from sidecars.broadcasts.states import SendState
from sidecars.broadcasts.told import IS_TOLD, told
from sidecars.models import Broadcast, database

BUCKET = 5000

CANCELLED = SendState.CANCELLED.name.lower()
# Mails and their checksum, by bucket and state.
Marks = dict[tuple[int, str], tuple[int, int]]


@dataclass(frozen=True)
class Differing:
    """A mail of which the two tell differently: states in words, None where one has not heard of it.

    `since`: when the later of the two learned what it tells.
    """

    message_id: UUID
    ledger: str | None
    clickhouse: str | None
    since: datetime


def differing(broadcast: Broadcast) -> Iterator[Differing]:
    """All such mails, by ranges of contacts. What is on its way to ClickHouse is among them.

    Raises clickhouse_driver.errors.Error or OSError where ClickHouse does not answer.
    """
    ledger, clickhouse = _ledger_marks(broadcast), _clickhouse_marks(broadcast)
    odd = {key[0] for key in ledger.keys() | clickhouse.keys() if ledger.get(key) != clickhouse.get(key)}
    for bucket in sorted(odd):
        yield from _in_bucket(broadcast, bucket)


def _ledger_marks(broadcast: Broadcast) -> Marks:
    if is_archived(broadcast.id):
        return _archived_marks(broadcast)
    rows = database.execute_sql(
        f"""SELECT contact_id DIV %s, state, COUNT(*), SUM(CRC32(message_id)) FROM sends
             WHERE broadcast_id = %s AND {IS_TOLD} GROUP BY 1, 2""",
        (BUCKET, broadcast.id),
    )
    return {
        (int(bucket), SendState(state).name.lower()): (int(mails), int(mark))
        for bucket, state, mails, mark in rows
    }


def _archived_marks(broadcast: Broadcast) -> Marks:
    mails: Counter[tuple[int, str]] = Counter()
    marks: Counter[tuple[int, str]] = Counter()
    for row in read_sends(broadcast.id):
        if state := told(row):
            key = row.contact_id // BUCKET, state
            mails[key] += 1
            marks[key] += crc32(row.message_id.bytes)
    return {key: (mails[key], marks[key]) for key in mails}


def _clickhouse_marks(broadcast: Broadcast) -> Marks:
    rows = query("marks", bucket=BUCKET, team_id=broadcast.team_id, broadcast_id=broadcast.id)
    return {(row["bucket"], row["state"]): (row["mails"], row["mark"]) for row in rows}


def _in_bucket(broadcast: Broadcast, bucket: int) -> Iterator[Differing]:
    lo, hi = bucket * BUCKET, (bucket + 1) * BUCKET - 1
    ledger = {
        row.message_id: row
        for row in read_sends(broadcast.id, after=lo - 1, limit=BUCKET)
        if row.contact_id <= hi
    }
    rows = query("states_between", team_id=broadcast.team_id, broadcast_id=broadcast.id, lo=lo, hi=hi)
    clickhouse = {row["message_id"]: row for row in rows}
    for message_id in sorted(ledger.keys() | clickhouse.keys()):
        ours, theirs = ledger.get(message_id), clickhouse.get(message_id)
        if not _agree(ours, theirs):
            state = SendState(ours.state).name.lower() if ours else None
            since = [*([_since(ours)] if ours else ()), *([theirs["at"]] if theirs else ())]
            yield Differing(message_id, state, theirs["state"] if theirs else None, max(since))


def _agree(ours: SendRow | None, theirs: dict[str, Any] | None) -> bool:
    """A mail that was cancelled here while it was on its way to an edge may have been cancelled there too."""
    at_edge = theirs["state"] if theirs and theirs["state"] != "accepted" else None
    if at_edge == CANCELLED:
        return ours is not None and ours.state == SendState.CANCELLED
    return at_edge == (told(ours) if ours else None)


def _since(send: SendRow) -> datetime:
    return datetime.fromtimestamp(max(send.accepted_at, send.settled_at), UTC)
