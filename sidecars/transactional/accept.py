"""Taking mail from apps: all that it needs to go out is in MySQL, or in S3, when this returns.

One transaction for the submission, its recipients' rows of the ledger and their credits, its place in the
queue, and the answer to its idempotency key. Who asks again with the key gets that answer; who asks at the
same time waits for it, as MySQL lets one row of a key in at a time.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import orjson
from peewee import DataError, IntegrityError, OperationalError, chunked

from sidecars.broadcasts.moves import READ_COMMITTED
from sidecars.broadcasts.states import SendState
from sidecars.edge.ids import uuid7
from sidecars.models import database, now
from sidecars.transactional import contents, wakeup
from sidecars.transactional.group_commit import GroupCommit
from sidecars.transactional.tags import write_tags
from sidecars.transactional.wishes import Accepted, Recipient, Wish
from sidecars.usage import allowance, plans
from sidecars.usage.allowance import OutOfCredits

ROWS_A_STATEMENT = 1000
MOST_SUBJECT = 998  # what the column holds
KEY_HOURS = 24
DEADLOCK = 1213

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class Key:
    """A team's idempotency key, and what was asked with it, both as SHA-256."""

    digest: bytes
    request: bytes

    @staticmethod
    def of(key: str, request: bytes) -> "Key":
        """`request` is the same for the same wish."""
        return Key(sha256(key.encode()).digest(), sha256(request).digest())


class KeyReused(Exception):
    """The key was given with another request within KEY_HOURS."""


@dataclass(frozen=True)
class _Prepared:
    """A wish on its way into MySQL."""

    wish: Wish
    accepted: Accepted
    content: bytes | None
    storage_key: str | None
    size: int


@dataclass(frozen=True)
class _Request:
    """What one request asks for, and what it is answered."""

    team_id: int
    prepared: list[_Prepared]
    answer: bytes
    key: Key | None


def identify(wish: Wish) -> Accepted:
    """The wish's ids: of the mail, and of each recipient's copy."""
    return Accepted(uuid7(), [Recipient(uuid7(), kind, address) for kind, address in wish.recipients])


def replay(team_id: int, key: Key) -> bytes | None:
    """The first answer to the key, where there is one. Raises KeyReused."""
    row = database.execute_sql(
        """SELECT request, answer FROM idempotency_keys
            WHERE team_id = %s AND digest = %s AND created_at > UTC_TIMESTAMP(3) - INTERVAL %s HOUR""",
        (team_id, key.digest, KEY_HOURS),
    ).fetchone()
    return None if row is None else _first_answer(key, *row)


def forget_old_keys() -> None:
    """Takes out those that hold no more, some at a time."""
    database.execute_sql(
        "DELETE FROM idempotency_keys WHERE created_at <= UTC_TIMESTAMP(3) - INTERVAL %s HOUR LIMIT %s",
        (KEY_HOURS, ROWS_A_STATEMENT),
    )


def accept(
    team_id: int, wishes: Sequence[tuple[Wish, Accepted]], answer: bytes, key: Key | None = None
) -> bytes:
    """Takes the mails, and returns `answer`; or the first answer to the key, and takes none.

    Raises KeyReused; OutOfCredits; botocore's errors for a large mail where S3 does not answer.
    """
    allowance.refuse_known(team_id, sum(len(accepted.recipients) for _, accepted in wishes))
    request = _Request(team_id, [_prepare(*each) for each in wishes], answer, key)
    try:
        first = _commits.add(request)
    except OutOfCredits:
        contents.remove(each.storage_key for each in request.prepared)
        raise
    if first is not None and key is not None:
        contents.remove(each.storage_key for each in request.prepared)
        return _first_answer(key, *first)
    if any(_is_due(wish) for wish, _ in wishes):
        wakeup.soon()
    return answer


def _prepare(wish: Wish, accepted: Accepted) -> _Prepared:
    content = _encode(wish.letter)
    if len(content) <= contents.MOST_IN_MYSQL:
        return _Prepared(wish, accepted, content, None, len(content))
    return _Prepared(wish, accepted, None, contents.put(accepted.id, content), len(content))


def _is_due(wish: Wish) -> bool:
    return wish.send_at is None or wish.send_at <= now() + timedelta(seconds=1)


def _first_answer(key: Key, request: bytes, answer: bytes) -> bytes:
    if bytes(request) != key.request:
        raise KeyReused
    return bytes(answer)


def _write(requests: Sequence[_Request]) -> list[tuple[bytes, bytes] | None]:
    """For each None where it was written, else (request, answer) of its key. A deadlock is tried again."""
    for _ in range(3):
        try:
            return _write_once(requests)
        except OperationalError as error:
            if error.args[0] != DEADLOCK:
                raise
    return _write_once(requests)


def _write_once(requests: Sequence[_Request]) -> list[tuple[bytes, bytes] | None]:
    with database.atomic(READ_COMMITTED):
        answered = _take_keys(requests)
        taken = [request for request in requests if id(request) not in answered]
        at = now()
        rows = [(request.team_id, each) for request in taken for each in request.prepared]
        _insert_submissions(rows, at)
        _insert_recipients(rows, at)
        _insert_queue(rows)
        write_tags(
            (recipient.message_id, each.wish.tags)
            for _, each in rows
            if each.wish.tags
            for recipient in each.accepted.recipients
        )
        _take_credits(rows, at)  # last: others of the team wait for it
    return [answered.get(id(request)) for request in requests]


def _take_credits(rows: Sequence[tuple[int, _Prepared]], at: datetime) -> None:
    """In the order of teams, against deadlocks. Raises OutOfCredits."""
    wanted: Counter[tuple[int, str]] = Counter()
    for team_id, each in rows:
        wanted[team_id, each.wish.stream] += len(each.accepted.recipients)
    for (team_id, stream), number in sorted(wanted.items()):
        allowance.take(team_id, stream, number, allowance.month_of(at), plans.credits_of(team_id))


def _take_keys(requests: Sequence[_Request]) -> dict[int, tuple[bytes, bytes]]:
    """By `id` of the request what `_take_key` says of it. In the order of keys, against deadlocks."""
    answered: dict[int, tuple[bytes, bytes]] = {}
    taken: dict[tuple[int, bytes], tuple[bytes, bytes]] = {}
    keyed = [(request.team_id, request.key, request) for request in requests if request.key is not None]
    for team_id, key, request in sorted(keyed, key=lambda each: (each[0], each[1].digest)):
        first = taken.get((team_id, key.digest)) or _take_key(team_id, key, request.answer)
        if first is not None:
            answered[id(request)] = first
        else:
            taken[team_id, key.digest] = (key.request, request.answer)
    return answered


def _take_key(team_id: int, key: Key, answer: bytes) -> tuple[bytes, bytes] | None:
    """None: it is ours now; else (request, answer) of who had it first.

    Waits while another has the key in a transaction of its own.
    """
    mine = (key.request, answer)
    which = (team_id, key.digest)
    cursor = database.execute_sql(
        """INSERT INTO idempotency_keys (team_id, digest, request, answer, created_at)
           VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE team_id = team_id""",
        (*which, *mine),
    )
    if cursor.rowcount == 1:
        return None
    old = database.execute_sql(
        """UPDATE idempotency_keys SET request = %s, answer = %s, created_at = UTC_TIMESTAMP(3)
            WHERE team_id = %s AND digest = %s AND created_at <= UTC_TIMESTAMP(3) - INTERVAL %s HOUR""",
        (*mine, *which, KEY_HOURS),
    )
    if old.rowcount:
        return None
    first: tuple[bytes, bytes] = database.execute_sql(
        "SELECT request, answer FROM idempotency_keys WHERE team_id = %s AND digest = %s", which
    ).fetchone()
    return first


def _insert_submissions(rows: Sequence[tuple[int, _Prepared]], at: datetime) -> None:
    _insert(
        """submissions (id, team_id, stream, sender, send_at, tags, metadata, content, storage_key,
                        created_at)""",
        (
            (
                each.accepted.id.bytes,
                team_id,
                each.wish.stream,
                each.wish.letter.sender.address,
                _naive(each.wish.send_at),
                orjson.dumps(each.wish.tags).decode(),
                orjson.dumps(each.wish.metadata).decode(),
                each.content,
                each.storage_key,
                _naive(at),
            )
            for team_id, each in rows
        ),
    )


def _insert_recipients(rows: Sequence[tuple[int, _Prepared]], at: datetime) -> None:
    """In `emails`, and in the ledger as planned."""
    _insert(
        """emails (message_id, team_id, submission, source, from_address, kind, recipient, subject, stream,
                   created_at)""",
        (
            (
                recipient.message_id.bytes,
                team_id,
                each.accepted.id.hex,
                "api",
                each.wish.letter.sender.address,
                recipient.kind,
                recipient.address,
                each.wish.letter.subject[:MOST_SUBJECT],
                each.wish.stream,
                _naive(at),
            )
            for team_id, each in rows
            for recipient in each.accepted.recipients
        ),
    )
    for some in chunked([each.accepted.id.hex for _, each in rows], ROWS_A_STATEMENT):
        database.execute_sql(
            f"""INSERT INTO sends (broadcast_id, contact_id, team_id, message_id, state)
                SELECT 0, id, team_id, message_id, %s FROM emails
                 WHERE submission IN ({_places(some)}) ORDER BY id""",
            [int(SendState.PLANNED), *some],
        )


def _insert_queue(rows: Sequence[tuple[int, _Prepared]]) -> None:
    # By the database's clock, as leases are; but a moment that was asked for stands as it is.
    _insert(
        "submission_queue (submission_id, due_at, size)",
        ((each.accepted.id.bytes, _naive(each.wish.send_at), each.size) for _, each in rows),
        places="(%s, COALESCE(%s, UTC_TIMESTAMP(3)), %s)",
    )


def _insert(into: str, rows: Iterator[Sequence[Any]], places: str = "") -> None:
    # As text: peewee takes 80 µs to compose a row.
    for some in chunked(rows, ROWS_A_STATEMENT):
        one = places or f"({_places(some[0])})"
        database.execute_sql(
            f"INSERT INTO {into} VALUES {', '.join([one] * len(some))}",
            [value for row in some for value in row],
        )


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _naive(moment: datetime | None) -> datetime | None:
    """As the columns have it, which are UTC."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


_commits: GroupCommit[_Request, tuple[bytes, bytes] | None] = GroupCommit(
    _write, faults=(IntegrityError, DataError, OutOfCredits)
)
