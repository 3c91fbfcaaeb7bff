"""Where the ledger and ClickHouse tell differently of a broadcast's mails.

Neither is held in memory: both add up their mails by ranges of contacts, and only ranges whose sums differ
are looked at mail by mail. The sums have checksums of the message ids, so that two errors do not cancel each
other out.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zlib import crc32

from sidecars.analytics.client import query
from sidecars.archive.sends import is_archived, read_sends
from sidecars.broadcasts.states import SendState
from sidecars.models import Broadcast, database

# What both sides can tell: the ledger was told it by the events that ClickHouse keeps.
SHARED = (SendState.DELIVERED, SendState.BOUNCED, SendState.UNKNOWN)
BUCKET = 5000

_WORDS = frozenset(state.name.lower() for state in SHARED)
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
        """SELECT contact_id DIV %s, state, COUNT(*), SUM(CRC32(message_id)) FROM sends
            WHERE broadcast_id = %s AND state IN (%s, %s, %s) GROUP BY 1, 2""",
        (BUCKET, broadcast.id, *SHARED),
    )
    return {
        (int(bucket), SendState(state).name.lower()): (int(mails), int(mark))
        for bucket, state, mails, mark in rows
    }


def _archived_marks(broadcast: Broadcast) -> Marks:
    mails: Counter[tuple[int, str]] = Counter()
    marks: Counter[tuple[int, str]] = Counter()
    for row in read_sends(broadcast.id):
        if row.state in SHARED:
            key = row.contact_id // BUCKET, SendState(row.state).name.lower()
            mails[key] += 1
            marks[key] += crc32(row.message_id.bytes)
    return {key: (mails[key], marks[key]) for key in mails}


def _clickhouse_marks(broadcast: Broadcast) -> Marks:
    rows = query("marks", bucket=BUCKET, team_id=broadcast.team_id, broadcast_id=broadcast.id)
    return {(row["bucket"], row["state"]): (row["mails"], row["mark"]) for row in rows}


def _in_bucket(broadcast: Broadcast, bucket: int) -> Iterator[Differing]:
    lo, hi = bucket * BUCKET, (bucket + 1) * BUCKET - 1
    ledger = {
        row.message_id: (
            SendState(row.state).name.lower(),
            datetime.fromtimestamp(max(row.accepted_at, row.settled_at), UTC),
        )
        for row in read_sends(broadcast.id, after=lo - 1, limit=BUCKET)
        if row.contact_id <= hi
    }
    told = query("states_between", team_id=broadcast.team_id, broadcast_id=broadcast.id, lo=lo, hi=hi)
    clickhouse = {row["message_id"]: (row["state"], row["at"]) for row in told}
    for message_id in sorted(ledger.keys() | clickhouse.keys()):
        ours, theirs = ledger.get(message_id), clickhouse.get(message_id)
        if _shared(ours) != _shared(theirs):
            since = max(each[1] for each in (ours, theirs) if each)
            yield Differing(message_id, ours and ours[0], theirs and theirs[0], since)


def _shared(told: tuple[str, datetime] | None) -> str | None:
    return told[0] if told and told[0] in _WORDS else None
