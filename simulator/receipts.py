"""What happened, one fact a line, appended to receipts.ndjson and never changed."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import orjson

from simulator.append import AppendOnlyFile


class Kind(StrEnum):
    """The kinds of facts."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    DROPPED = "dropped"
    DSN_SENT = "dsn_sent"
    COMPLAINT_SENT = "complaint_sent"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    PREFETCHED = "prefetched"


class Subject(NamedTuple):
    """The one mail to one recipient that a fact is about.

    The ids come from the mail's headers. A mail refused before its headers came is known by the token in
    its envelope sender alone, and has no broadcast or contact; `provider` is
    "none" where nobody serves its domain.
    """

    message_id: str | None
    broadcast_id: int | None
    contact_id: int | None
    recipient: str
    provider: str


class Receipts:
    """The file, and how many facts of each kind and provider it holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = AppendOnlyFile(path)
        self.counts: Counter[tuple[str, str]] = Counter()
        for line in self.lines():
            fact = orjson.loads(line)
            self.counts[fact["kind"], fact["provider"]] += 1

    def add(self, kind: Kind | str, subject: Subject, code: int | None, text: str, **more: object) -> None:
        """Writes a fact that has just happened; it is on disk within 100 ms."""
        self.counts[str(kind), subject.provider] += 1
        fact = {"at": now(), "kind": kind, **subject._asdict(), "code": code, "text": text, **more}
        self._file.append(orjson.dumps(fact, option=orjson.OPT_APPEND_NEWLINE))

    def lines(self, broadcast_id: int | None = None, kind: str | None = None) -> Iterator[bytes]:
        """The facts so far, oldest first, each with its newline."""
        self.flush()
        needles = []
        if broadcast_id is not None:
            needles.append(b'"broadcast_id":%d,' % broadcast_id)
        if kind is not None:
            needles.append(b'"kind":"%b",' % kind.encode())
        # A quote inside a value is escaped, so these needles match fields only.
        with self._path.open("rb") as file:
            for line in file:
                if all(needle in line for needle in needles):
                    yield line

    def total(self) -> dict[str, int]:
        """How many facts of each kind; kinds that have not happened are 0."""
        totals = dict.fromkeys((kind.value for kind in Kind), 0)
        for (kind, _), count in self.counts.items():
            totals[kind] += count
        return totals

    def flush(self) -> None:
        """Writes what waits."""
        self._file.flush()

    def close(self) -> None:
        """Nothing can be added after this."""
        self._file.close()

    def reset(self) -> None:
        """Forgets every fact."""
        self._file.remove()
        self._file = AppendOnlyFile(self._path)
        self.counts.clear()


def now() -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
