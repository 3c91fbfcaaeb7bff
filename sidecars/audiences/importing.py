"""Imports of contacts from a CSV: previewed, run chunk by chunk, and taken up again where a worker died.

A chunk's contacts and the import's progress are one transaction, so a row is either counted and in, or
neither. The worker holds the import by a claim with a lease; each write of progress is conditional on it.
"""

import csv
import io
import logging
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import IO, Any, TypeVar

import orjson
from peewee import OperationalError

from sidecars.audiences import leases, properties, uploads
from sidecars.audiences.columns import (
    ERROR_TITLES,
    Columns,
    Person,
    RowError,
    check_mapping,
    guess_kinds,
    guess_mapping,
)
from sidecars.audiences.csvfile import FileError, Table, guarded
from sidecars.audiences.tags import put_tags
from sidecars.models import Audience, Contact, ContactImport, database, now
from sidecars.models.audiences import SUBSCRIBED, UNSUBSCRIBED
from sidecars.usage import limits, plans
from sidecars.usage.limits import OverPlan

log = logging.getLogger(__name__)

T = TypeVar("T")

CHUNK_ROWS = 2000
GUESS_ROWS = 1000
SAMPLE_ROWS = 10
PREVIEW_ROWS = 200_000
REPORT_ROWS = 1000
MAX_ERRORS = 1000
MAX_TRIES = 5
UPDATE = "update"
SKIP = "skip"
# MySQL's "deadlock" and "lock wait timeout": the transaction is undone and can simply be tried again.
_TRANSIENT = {1205, 1213}
READ_COMMITTED = "READ COMMITTED"  # locks the rows of a chunk and not the gaps between them
_STATEMENT_CHARACTERS = 1024 * 1024  # at most four bytes each; MariaDB takes 16 MiB at once

# VALUES() is the one way that MySQL 8.4 (where it is deprecated) and MariaDB both take; the row alias that
# MySQL recommends instead is a syntax error in MariaDB. `status` is not updated: an import never
# subscribes again who unsubscribed. Empty cells leave what is there.
_INSERT = (
    "INSERT INTO contacts (email, first_name, last_name, properties, audience_id, import_id,"
    " status, subscribed_at, unsubscribed_at, created_at, updated_at) VALUES "
)
_ON_CONFLICT = {
    UPDATE: " ON DUPLICATE KEY UPDATE"
    " first_name = IF(VALUES(first_name) = '', first_name, VALUES(first_name)),"
    " last_name = IF(VALUES(last_name) = '', last_name, VALUES(last_name)),"
    " properties = IF(VALUES(properties) IN ('{}', properties), properties,"
    " JSON_MERGE_PATCH(properties, VALUES(properties))),"
    " updated_at = VALUES(updated_at)",
    SKIP: " ON DUPLICATE KEY UPDATE id = id",
}


@dataclass(frozen=True)
class Options:
    """What an import does with whom it finds in its file.

    Contacts that are there are changed (`update`) or left alone (`skip`). `tags` are put on everyone whom it
    takes; new contacts get `status`, to which they agreed as `consent` tells.
    """

    on_conflict: str = UPDATE
    tags: list[str] = field(default_factory=list)
    status: str = SUBSCRIBED
    consent: str = ""


@dataclass
class Conflict:
    """A property whose declared kind is not the one that the file's column looks like."""

    name: str
    declared: str
    guessed: str


@dataclass
class FirstRows:
    """What a file looks like: its first rows' cells, what each column is taken for, kinds of properties."""

    delimiter: str
    titles: list[str]
    mapping: dict[str, str | None]
    properties: dict[str, str]
    conflicts: list[Conflict]
    sample: list[list[str]]


@dataclass
class Line:
    """What would become of a row: created, updated, skipped, duplicate or invalid."""

    line: int
    email: str
    outcome: str


@dataclass
class ImportPreview(FirstRows):
    """What an import of this file would do. `complete` is False where only PREVIEW_ROWS were looked at."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    unsubscribed: int = 0
    invalid: int = 0
    duplicate: int = 0
    complete: bool = True
    errors: list[dict[str, Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


@dataclass
class _Chunk:
    """Rows of the file, read: one person an address, and what was wrong with the others.

    `lines` and `emails` are those of the rows that can be taken, in the file's order.
    """

    rows: int = 0
    people: dict[str, Person] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    fresh: int = 0
    statements: list[str] = field(default_factory=list)


def first_rows(
    stream: IO[bytes], audience_id: int, mapping: dict[str, str | None] | None = None
) -> FirstRows:
    """Reads the beginning of the file. Raises FileError."""
    return _first_rows(Table(stream), audience_id, mapping)[0]


def preview(
    stream: IO[bytes],
    audience_id: int,
    mapping: dict[str, str | None] | None = None,
    on_conflict: str = UPDATE,
) -> ImportPreview:
    """Reads the file and answers what `run` would do with it; writes nothing. Raises FileError."""
    table = Table(stream)
    first, rows = _first_rows(table, audience_id, mapping)
    result = ImportPreview(**vars(first))
    seen: set[str] = set()
    room = limits.room(Audience.get_by_id(audience_id).team_id, limits.CONTACTS)
    for chunk in _chunks(islice(rows, PREVIEW_ROWS), Columns(table.titles, first.mapping, first.properties)):
        statuses = _statuses(audience_id, chunk.people)
        known = "updated" if on_conflict == UPDATE else "skipped"
        lines = [Line(error["line"], "", "invalid") for error in chunk.errors]
        taken = 0
        for line, email in zip(chunk.lines, chunk.emails, strict=True):
            is_new = email not in seen and email not in statuses
            if is_new and room is not None and result.created + taken >= room[0]:
                chunk.errors.append({"line": line, "field": "", "message": str(room[1])})
                lines.append(Line(line, email, "invalid"))
                continue
            taken += is_new
            outcome = "duplicate" if email in seen else known if email in statuses else "created"
            result.unsubscribed += outcome == "updated" and statuses[email] == UNSUBSCRIBED
            seen.add(email)
            lines.append(Line(line, email, outcome))
        for each in lines:
            setattr(result, each.outcome, getattr(result, each.outcome) + 1)
        result.rows += chunk.rows
        result.errors += chunk.errors[: MAX_ERRORS - len(result.errors)]
        lines.sort(key=lambda each: each.line)
        result.lines += lines[: REPORT_ROWS - len(result.lines)]
    result.complete = next(rows, None) is None
    return result


def create(
    audience: Audience,
    filename: str,
    stream: IO[bytes],
    mapping: dict[str, str | None] | None = None,
    options: Options | None = None,
) -> ContactImport:
    """Stores the file and notes the import, for a worker to `run`. Raises FileError for unusable titles."""
    chosen = usable_mapping(stream, mapping)
    size = stream.seek(0, 2)
    stream.seek(0)
    key = uploads.store(audience.team_id, stream)
    return note(audience, filename, uploads.Stored(key, size), chosen, options or Options())


def usable_mapping(stream: IO[bytes], mapping: dict[str, str | None] | None) -> dict[str, str | None]:
    """The mapping, completed by guesses from the file's first line. Raises FileError where it cannot be."""
    table = Table(stream)
    chosen = _complete(table.titles, mapping)
    check_mapping(table.titles, chosen)
    return chosen


def note(
    audience: Audience,
    filename: str,
    stored: uploads.Stored,
    mapping: dict[str, str | None],
    options: Options,
) -> ContactImport:
    """Notes the import of a file that storage has."""
    return ContactImport.create(
        team=audience.team_id,
        audience=audience,
        filename=filename[:255],
        storage_key=stored.key,
        mapping=mapping,
        bytes_total=stored.size,
        lease_until=leases.lease(),
        **vars(options),
    )


def run(import_id: int) -> None:
    """Takes the import and carries it to its end, from the row that an earlier worker reached.

    Does nothing where another worker holds it or it has ended. Errors of the services are raised, and
    leave it to be taken again.
    """
    job = leases.take(ContactImport, import_id)
    if job is None:
        return
    log.info("import started", extra=leases.ids(job) | {"rows_done": job.rows_done, "attempt": job.attempts})
    try:
        with leases.held(job, hopeless=FileError), uploads.opened(job.storage_key) as stream:
            _run(job, stream)
    finally:
        _remove_upload_of_ended(job)


def cancel(job: ContactImport) -> bool:
    """Ends the import where it is; who is in stays in. False where it has ended already."""
    cancelled = leases.cancel(job)
    _remove_upload_of_ended(job)
    return cancelled


def page(audience_id: int, before: int, limit: int) -> list[ContactImport]:
    """The audience's imports before id `before` (0: all), the latest first."""
    query = ContactImport.select().where(ContactImport.audience == audience_id)
    if before:
        query = query.where(ContactImport.id < before)
    return list(query.order_by(ContactImport.id.desc()).limit(limit))


def stalled() -> list[int]:
    """Imports that nobody works on: a task got lost, or its worker died. For the clock to start again."""
    return leases.stalled(ContactImport)


def _run(job: ContactImport, stream: IO[bytes]) -> None:
    leases.hold(job)
    kinds = _survey(job, stream)
    table, columns = _opened(job, stream, kinds)
    rows = table.rows()
    seen = _Seen()
    for chunk in _chunks(islice(rows, job.rows_done), columns):  # of an earlier worker
        seen.add(chunk.people)
        leases.hold(job)
    pace = _Pace(job.rows_done)
    for chunk in _ahead(_prepared(chunk, job, seen) for chunk in _chunks(rows, columns)):
        _write_again_on_deadlock(job, chunk, pace)
    if job.rows_invalid > MAX_ERRORS:
        _keep_errors(job, *_opened(job, stream, kinds))


def _opened(job: ContactImport, stream: IO[bytes], kinds: dict[str, str]) -> tuple[Table, Columns]:
    """The file from its beginning, and what its columns are."""
    stream.seek(0)
    table = Table(stream)
    return table, Columns(table.titles, job.mapping, kinds)


def _survey(job: ContactImport, stream: IO[bytes]) -> dict[str, str]:
    """Reads the whole file once before anything is written: counts its rows, declares its properties.

    A file that cannot be read to its end fails here, with nothing done. Returns the kinds.
    """
    table = Table(stream)
    check_mapping(table.titles, job.mapping)
    head = list(islice(table.rows(), GUESS_ROWS))
    guessed = guess_kinds(table.titles, job.mapping, [cells for _, cells, problem in head if not problem])
    if job.rows_total is None:
        job.rows_total = len(head) + table.count()
        declared = properties.declared(job.audience_id)
        job.errors = [
            {
                "line": 1,
                "field": conflict.name,
                "message": f"is declared as {conflict.declared} but looks like {conflict.guessed} here; "
                f"rows that do not fit {conflict.declared} are refused",
            }
            for conflict in _conflicts(guessed, guessed | declared)
        ]
        with database.atomic():
            properties.declare(job.audience_id, guessed)
            leases.save(job, rows_total=job.rows_total, errors=job.errors)
    return properties.declared(job.audience_id)


def _chunks(rows: Iterator[tuple[int, list[str], str]], columns: Columns) -> Iterator[_Chunk]:
    """Rows, CHUNK_ROWS at a time."""
    while True:
        chunk = _Chunk()
        for line, cells, problem in islice(rows, CHUNK_ROWS):
            chunk.rows += 1
            try:
                person = columns.read(cells, problem)
            except RowError as error:
                chunk.errors.append({"line": line, "field": error.field, "message": str(error)})
                continue
            earlier = chunk.people.get(person.email)
            chunk.people[person.email] = person if earlier is None else person.over(earlier)
            chunk.lines.append(line)
            chunk.emails.append(person.email)
        if not chunk.rows:
            return
        yield chunk


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """The items, each made by a thread while the one before it is being used."""
    end: Any = object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, items, end)
            yield item


class _Seen:
    """Hashes of the addresses met so far, as there may be millions: in a file that goes when it is closed."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA cache_size = -16384")  # KiB
        self._db.execute("CREATE TABLE seen (hash INTEGER PRIMARY KEY)")

    def add(self, emails: Iterable[str]) -> int:
        """How many of them, all different, were not met before."""
        before = self._db.total_changes
        hashes = sorted(map(hash, emails))  # near ones lie on one page
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?)", zip(hashes, strict=True))
        return self._db.total_changes - before


class _Pace:
    """How many rows a second this worker makes."""

    def __init__(self, rows_done: int) -> None:
        self._rows, self._began = rows_done, time.monotonic()

    def at(self, rows_done: int) -> int:
        """Since it began, when so many are done."""
        return round((rows_done - self._rows) / (time.monotonic() - self._began))


def _prepared(chunk: _Chunk, job: ContactImport, seen: _Seen) -> _Chunk:
    """The chunk with its statements and how many of its people are met for the first time."""
    chunk.fresh = seen.add(chunk.people)
    chunk.statements = _statements(job, chunk)
    return chunk


def _statements(job: ContactImport, chunk: _Chunk) -> list[str]:
    statements: list[str] = []
    moment = f"'{now():%Y-%m-%d %H:%M:%S.%f}'"
    subscribed, unsubscribed = (
        moment if job.status == status else "NULL" for status in (SUBSCRIBED, UNSUBSCRIBED)
    )
    rest = (
        f"{int(job.audience_id)}, {int(job.id)}, {_quoted(job.status)}, "
        f"{subscribed}, {unsubscribed}, {moment}, {moment})"
    )
    rows: list[str] = []
    length = 0
    for person in chunk.people.values():
        facts = orjson.dumps(person.properties).decode() if person.properties else "{}"
        row = (
            f"({_quoted(person.email)}, {_quoted(person.first_name)}, {_quoted(person.last_name)},"
            f" {_quoted(facts)}, {rest}"
        )
        length += len(row)
        if length > _STATEMENT_CHARACTERS and rows:
            statements.append(_statement(rows, job.on_conflict))
            rows, length = [], len(row)
        rows.append(row)
    if rows:
        statements.append(_statement(rows, job.on_conflict))
    return statements


def _quoted(text: str) -> str:
    """An SQL literal, in the sql_mode of `models.database.SESSION`; PyMySQL's way takes ten times as long.

    Within single quotes nothing else means anything: https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _statement(rows: list[str], on_conflict: str) -> str:
    """Each % doubled, as PyMySQL would put a parameter there."""
    return (_INSERT + ",".join(rows) + _ON_CONFLICT[on_conflict]).replace("%", "%%")


def _write_again_on_deadlock(job: ContactImport, chunk: _Chunk, pace: _Pace) -> None:
    for attempt in range(1, MAX_TRIES + 1):
        try:
            with database.atomic(READ_COMMITTED):
                progress = _write(job, chunk, pace)
            break
        except OperationalError as error:
            if error.args[0] not in _TRANSIENT or attempt == MAX_TRIES:
                raise
            log.info("chunk tried again", extra=leases.ids(job) | {"reason": str(error)})
    for name, value in progress.items():
        setattr(job, name, value)


def _write(job: ContactImport, chunk: _Chunk, pace: _Pace) -> dict[str, Any]:
    """Contacts and progress, in the caller's transaction; returns the progress written."""
    _refuse_beyond_plan(job, chunk)
    # Who was seen before is no new contact, save where somebody deleted it meanwhile.
    created = min(_upsert(job, chunk), chunk.fresh)
    known = chunk.fresh - created
    rows_done = job.rows_done + chunk.rows
    progress: dict[str, Any] = {
        "rows_done": rows_done,
        "rows_created": job.rows_created + created,
        "rows_updated": job.rows_updated + (known if job.on_conflict == UPDATE else 0),
        "rows_skipped": job.rows_skipped + (known if job.on_conflict == SKIP else 0),
        "rows_invalid": job.rows_invalid + len(chunk.errors),
        "rows_duplicate": job.rows_duplicate + chunk.rows - len(chunk.errors) - chunk.fresh,
        "rows_per_second": pace.at(rows_done),
        "lease_until": leases.lease(),
    }
    if chunk.errors and len(job.errors) < MAX_ERRORS:
        progress["errors"] = (job.errors + chunk.errors)[:MAX_ERRORS]
    leases.save(job, **progress)
    return progress


def _refuse_beyond_plan(job: ContactImport, chunk: _Chunk) -> None:
    """Takes out the last of those who would be new where the team's plan allows no more of them."""
    room = limits.room(job.team_id, limits.CONTACTS)
    if room is None:
        return
    known = _statuses(job.audience_id, chunk.people)
    beyond = {email for email in chunk.people if email not in known}
    beyond -= set(islice((email for email in chunk.people if email in beyond), room[0]))
    if not beyond:
        return
    refused = [line for line, email in zip(chunk.lines, chunk.emails, strict=True) if email in beyond]
    chunk.errors += [{"line": line, "field": "", "message": str(room[1])} for line in refused]
    chunk.people = {email: person for email, person in chunk.people.items() if email not in beyond}
    taken = [each for each in zip(chunk.lines, chunk.emails, strict=True) if each[1] not in beyond]
    chunk.lines, chunk.emails = [line for line, _ in taken], [email for _, email in taken]
    chunk.fresh = max(0, chunk.fresh - len(beyond))
    chunk.statements = _statements(job, chunk)


def _upsert(job: ContactImport, chunk: _Chunk) -> int:
    """Creates the people or does as the import's options say, and tags them; returns how many are new."""
    affected = sum(int(database.execute_sql(statement).rowcount) for statement in chunk.statements)
    # An inserted row counts once, an updated one twice, one left alone not at all.
    created = 2 * len(chunk.people) - affected if job.on_conflict == UPDATE else affected
    everyone = job.tags or []
    tags = {
        person.email: [*person.tags, *everyone] for person in chunk.people.values() if everyone or person.tags
    }
    if tags and job.on_conflict == SKIP and created < len(chunk.people):
        own = _made_by(job, tags)
        tags = {email: names for email, names in tags.items() if email in own}
    put_tags(job.audience_id, tags)
    return created


def _made_by(job: ContactImport, emails: Iterable[str]) -> set[str]:
    made = Contact.select(Contact.email).where(
        Contact.audience == job.audience_id, Contact.email.in_(list(emails)), Contact.import_id == job.id
    )
    return {email for (email,) in database.execute(made)}


def _keep_errors(job: ContactImport, table: Table, columns: Columns) -> None:
    """Puts every row that was refused into a file, with why; the list, read anew, says the same again."""
    with tempfile.TemporaryFile() as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        lines = csv.writer(text)
        lines.writerow([*ERROR_TITLES, *table.titles])
        rows = table.rows()
        while some := list(islice(rows, CHUNK_ROWS)):
            leases.hold(job)
            for line, cells, error in _refused(job, columns, some):
                lines.writerow(map(guarded, [str(line), error.field, str(error), *cells]))
        text.flush()
        file.seek(0)
        job.errors_key = uploads.store(job.team_id, file, uploads.ERRORS)
    leases.save(job, errors_key=job.errors_key)


def _refused(
    job: ContactImport, columns: Columns, rows: Iterable[tuple[int, list[str], str]]
) -> Iterator[tuple[int, list[str], RowError]]:
    """Those that could not be read; where the plan limits contacts also those that did not become one."""
    plan = plans.of(job.team_id)
    is_limited = plan is not None and plan.contacts is not None
    read: list[tuple[int, list[str], str | RowError]] = []
    for line, cells, problem in rows:
        try:
            read.append((line, cells, columns.read(cells, problem).email))
        except RowError as error:
            read.append((line, cells, error))
    emails = [found for _, _, found in read if isinstance(found, str)]
    there = _statuses(job.audience_id, emails) if is_limited else dict.fromkeys(emails, "")
    for line, cells, found in read:
        if isinstance(found, RowError):
            yield line, cells, found
        elif plan is not None and found not in there:
            yield line, cells, RowError("", str(OverPlan(plan, limits.CONTACTS)))


def _statuses(audience_id: int, emails: Iterable[str]) -> dict[str, str]:
    rows = Contact.select(Contact.email, Contact.status).where(
        Contact.audience == audience_id, Contact.email.in_(list(emails))
    )
    return {row.email: row.status for row in rows}


def _remove_upload_of_ended(job: ContactImport) -> None:
    """People's data is kept in one place: the audience."""
    state = ContactImport.select(ContactImport.state).where(ContactImport.id == job.id).scalar()
    if state in leases.UNFINISHED:
        return
    try:
        uploads.remove(job.storage_key)
    except Exception:
        log.exception("upload could not be removed", extra=leases.ids(job) | {"key": job.storage_key})


def _first_rows(
    table: Table, audience_id: int, mapping: dict[str, str | None] | None
) -> tuple[FirstRows, Iterator[tuple[int, list[str], str]]]:
    """What the file looks like, and all its rows."""
    chosen = _complete(table.titles, mapping)
    check_mapping(table.titles, chosen)
    rows = table.rows()
    head = list(islice(rows, GUESS_ROWS))
    well = [cells for _, cells, problem in head if not problem]
    guessed = guess_kinds(table.titles, chosen, well)
    declared = properties.declared(audience_id)
    kinds = guessed | {name: kind for name, kind in declared.items() if name in guessed}
    first = FirstRows(
        table.delimiter, table.titles, chosen, kinds, _conflicts(guessed, kinds), well[:SAMPLE_ROWS]
    )
    return first, chain(head, rows)


def _complete(titles: list[str], mapping: dict[str, str | None] | None) -> dict[str, str | None]:
    """The guess, with what the user said over it."""
    guess = guess_mapping(titles)
    said = mapping or {}
    wanted = set(said.values()) - {None}
    return {title: None if target in wanted else target for title, target in guess.items()} | said


def _conflicts(guessed: dict[str, str], kinds: dict[str, str]) -> list[Conflict]:
    """Where a declared kind is not what the file looks like. Anything can be read as text."""
    return [
        Conflict(name, kinds[name], kind)
        for name, kind in guessed.items()
        if kinds[name] not in (kind, "text")
    ]
