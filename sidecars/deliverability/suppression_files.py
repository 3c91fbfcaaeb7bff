"""Suppressions as CSV: taken over from another system, and given out."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from peewee import SQL, chunked

from sidecars.audiences.csvfile import FileError, Table
from sidecars.deliverability import suppressions
from sidecars.deliverability.addresses import AddressError, checked
from sidecars.edge import suppressed
from sidecars.models import Suppression, database
from sidecars.models.suppressions import ALL_STREAMS, BROADCAST, TRANSACTIONAL, UNSUBSCRIBE
from sidecars.names import address_key

COLUMNS = ("email", "stream", "reason", "detail", "event_id", "expires_at", "created_at")
# What a file may say. Soft bounces lapse, and are counted here anew.
REASONS = ("hard_bounce", "complaint", UNSUBSCRIBE, "manual")
STREAMS = (ALL_STREAMS, BROADCAST, TRANSACTIONAL)
ERRORS_KEPT = 1000
PAGE = 1000
# A spreadsheet takes a cell that begins so for a formula, and a server's words are not ours.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t")


@dataclass
class Imported:
    """`errors` has (line, field, message) of the first 1,000 rows that were left out."""

    rows: int = 0
    invalid: int = 0
    errors: list[tuple[int, str, str]] = field(default_factory=list)


class _RowError(ValueError):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def read_in(team_id: int, stream: IO[bytes]) -> Imported:
    """Suppresses the addresses of a CSV for good: of `email`, with `stream`, `reason` and `detail` if given.

    Others are left out. An address that is suppressed for good already stays so, with its first reason. May
    be done again. Raises FileError, where rows before the fault may have been taken.
    """
    table = Table(stream)
    titles = [title.strip().lower() for title in table.titles]
    if "email" not in titles:
        raise FileError("No column is called “email”. Name the column of addresses so in the first row.")
    told = Imported()
    for rows in chunked(_facts(table, titles, told), PAGE):
        _suppress_all(team_id, rows)
    return told


def _facts(table: Table, titles: list[str], told: Imported) -> Iterator[dict[str, str]]:
    for line, cells, fault in table.rows():
        told.rows += 1
        try:
            if fault:
                raise _RowError("", fault)
            yield _row(dict(zip(titles, cells, strict=True)))
        except _RowError as error:
            told.invalid += 1
            if len(told.errors) < ERRORS_KEPT:
                told.errors.append((line, error.column, str(error)))


def _row(said: dict[str, str]) -> dict[str, str]:
    try:
        email = address_key(checked(said["email"]))
    except AddressError as error:
        raise _RowError("email", str(error)) from error
    reason = _word(said, "reason", REASONS, "manual")
    stream = _word(said, "stream", STREAMS, ALL_STREAMS)
    return {
        "email": email,
        "stream": BROADCAST if reason == UNSUBSCRIBE else stream,
        "reason": reason,
        "detail": said.get("detail", "")[:1000],
    }


def _word(said: dict[str, str], column: str, known: tuple[str, ...], default: str) -> str:
    word = said.get(column, "").lower() or default
    if word not in known:
        raise _RowError(column, f"must be one of {', '.join(known)}")
    return word


def _suppress_all(team_id: int, rows: list[dict[str, str]]) -> None:
    """As `suppress` does for one; `expires_at` last, as the columns before it ask what it was."""
    changes: dict[Any, Any] = {
        getattr(Suppression, name): SQL(f"IF(expires_at IS NULL, {name}, VALUES({name}))")
        for name in ("reason", "detail", "event_id")
    }
    changes[Suppression.expires_at] = None
    with database.atomic():
        Suppression.insert_many([row | {"team": team_id} for row in rows]).on_conflict(
            update=changes
        ).execute()
    suppressed.write(team_id, [row["email"] for row in rows])


def written(team_id: int) -> Iterator[str]:
    """All of the team's suppressions as a CSV that `read_in` takes, a page at a time. Moments are UTC."""
    yield _lines([COLUMNS])
    last = 0
    while True:
        with database.connection_context():
            rows = suppressions.page(team_id, last, PAGE)
        if not rows:
            return
        last = rows[-1].id
        yield _lines([tuple(map(_cell, COLUMNS, (getattr(row, name) for name in COLUMNS))) for row in rows])


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    text = value.isoformat() if name.endswith("_at") else value
    return f"'{text}" if name == "detail" and text.startswith(FORMULA_SIGNS) else text


def _lines(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
