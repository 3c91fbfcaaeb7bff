"""The received mails: raw bytes in segment files, and an index in SQLite to find them by."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from simulator.append import AppendOnlyFile
from simulator.receipts import Subject, now

SEGMENT_BYTES = 64 << 20

SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    message_id TEXT,
    broadcast_id INTEGER,
    contact_id INTEGER,
    recipient TEXT NOT NULL,
    provider TEXT NOT NULL,
    envelope_sender TEXT NOT NULL,
    segment INTEGER NOT NULL,
    position INTEGER NOT NULL,
    size INTEGER NOT NULL
);
"""
PAGE = """
SELECT * FROM mails
WHERE id > :after
  AND (:broadcast_id IS NULL OR broadcast_id = :broadcast_id)
  AND (:message_id IS NULL OR message_id = :message_id)
ORDER BY id LIMIT :limit
"""
SEARCH = """
SELECT * FROM mails
WHERE id < :before
  AND instr(lower(recipient), lower(:words))
  AND (:provider IS NULL OR provider = :provider)
ORDER BY id DESC LIMIT :limit
"""
INSERT = "INSERT INTO mails VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail's bytes are."""

    segment: int
    position: int
    size: int


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as one recipient got it. `id` counts up; `at` is RFC 3339 in UTC."""

    id: int
    at: str
    subject: Subject
    envelope_sender: str
    place: Place


class Store:
    """Keeps the newest `keep` mails. One copy of the bytes serves all recipients of a message."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder = folder
        self._keep = keep
        folder.mkdir(parents=True, exist_ok=True)
        self._index = sqlite3.connect(folder / "index.sqlite3", isolation_level=None)
        self._index.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + SCHEMA)
        newest, segment = self._index.execute("SELECT max(id), max(segment) FROM mails").fetchone()
        self._newest: int = newest or 0
        self._oldest_segment = 0
        self._waiting: list[tuple[object, ...]] = []
        self._open_segment((segment or 0) + 1)

    def add(self, raw: bytes, envelope_sender: str, subjects: Iterable[Subject]) -> list[Mail]:
        """Keeps `raw` for each of its recipients. On disk within 100 ms; readable at once."""
        if self._file.size >= SEGMENT_BYTES:
            self._file.close()
            self._open_segment(self._segment + 1)
        place = Place(self._segment, self._file.append(raw), len(raw))
        at = now()
        mails = []
        for subject in subjects:
            self._newest += 1
            mails.append(Mail(self._newest, at, subject, envelope_sender, place))
            self._waiting.append(
                (self._newest, at, *subject, envelope_sender, place.segment, place.position, place.size)
            )
        return mails

    def raw(self, mail: Mail) -> bytes | None:
        """The mail as it came over the wire, dots unstuffed; None once it is older than what is kept."""
        if mail.id <= self._newest - self._keep:
            return None
        self._file.flush()
        try:
            with self._path(mail.place.segment).open("rb") as file:
                file.seek(mail.place.position)
                return file.read(mail.place.size)
        except FileNotFoundError:
            return None

    def get(self, mail_id: int) -> Mail | None:
        """None for a mail that never was or is no longer kept."""
        return next((mail for mail in self.page(after=mail_id - 1, limit=1) if mail.id == mail_id), None)

    def page(
        self,
        *,
        broadcast_id: int | None = None,
        message_id: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Mail]:
        """Mails with an id above `after`, oldest first."""
        return self._select(PAGE, broadcast_id=broadcast_id, message_id=message_id, after=after, limit=limit)

    def search(
        self, words: str = "", provider: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[Mail]:
        """Mails whose recipient's address holds `words`, newest first, with an id below `before`."""
        newest = before or self._newest + 1
        return self._select(SEARCH, words=words, provider=provider, before=newest, limit=limit)

    def flush(self) -> None:
        """Writes what waits, and lets go of what is older than the newest `keep`."""
        self._file.flush()
        if not self._waiting:
            return
        self._index.execute("BEGIN")
        self._index.executemany(INSERT, self._waiting)
        self._index.execute("DELETE FROM mails WHERE id <= ?", (self._newest - self._keep,))
        self._index.execute("COMMIT")
        self._waiting.clear()
        self._remove_segments_before(self._index.execute("SELECT min(segment) FROM mails").fetchone()[0])

    def close(self) -> None:
        """Nothing can be added or read after this."""
        self.flush()
        self._file.close()
        self._index.close()

    def reset(self) -> None:
        """Forgets every mail; ids go on counting up."""
        self._waiting.clear()
        self._index.execute("DELETE FROM mails")
        self._file.remove()
        self._remove_segments_before(self._segment)
        self._open_segment(self._segment + 1)

    def _select(self, query: str, **values: object) -> list[Mail]:
        self.flush()
        return [
            Mail(id_, at, Subject(*subject), envelope_sender, Place(segment, position, size))
            for id_, at, *subject, envelope_sender, segment, position, size in self._index.execute(
                query, values
            )
        ]

    def _open_segment(self, number: int) -> None:
        self._segment = number
        self._file = AppendOnlyFile(self._path(number))

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:08d}.mails"

    def _remove_segments_before(self, first: int) -> None:
        if first > self._oldest_segment:
            self._oldest_segment = first
            for path in self._folder.glob("*.mails"):
                if int(path.stem) < first:
                    path.unlink()
