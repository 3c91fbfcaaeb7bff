"""Imports of contacts from a CSV: previewed, run chunk by chunk, and taken up again where a worker died.

A chunk's contacts and the import's progress are one transaction, so a row is either counted and in, or
neither. The worker holds the import by a claim with a lease; each write of progress is conditional on it.
Leases are set and judged by the database's clock.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import IO, Any
from uuid import uuid4

import orjson
from peewee import SQL, OperationalError

from sidecars.audiences import properties, uploads
from sidecars.audiences.columns import Columns, Person, RowError, check_mapping, guess_kinds, guess_mapping
from sidecars.audiences.csvfile import FileError, Table
from sidecars.audiences.tags import put_tags
from sidecars.models import Audience, Contact, ContactImport, database, now
from sidecars.models.audiences import UNSUBSCRIBED
from sidecars.models.moments import from_now, is_over
from sidecars.settings import settings

log = logging.getLogger(__name__)

CHUNK_ROWS = 2000
GUESS_ROWS = 1000
PREVIEW_ROWS = 200_000
MAX_ERRORS = 1000
MAX_ATTEMPTS = 5
# MySQL's "deadlock" and "lock wait timeout": the transaction is undone and can simply be tried again.
_TRANSIENT = {1205, 1213}
READ_COMMITTED = "READ COMMITTED"  # locks the rows of a chunk and not the gaps between them

# VALUES() is the one way that MySQL 8.4 (where it is deprecated) and MariaDB both take; the row alias that
# MySQL recommends instead is a syntax error in MariaDB. `status` is not updated: an import never
# subscribes again who unsubscribed. Empty cells leave what is there.
_INSERT = (
    "INSERT INTO contacts"
    " (email, first_name, last_name, properties, audience_id, status, subscribed_at, created_at, updated_at)"
    " VALUES "
)
_ROW = "(%s, %s, %s, %s, {audience_id}, 'subscribed', '{moment}', '{moment}', '{moment}')"
_UPDATE = (
    " ON DUPLICATE KEY UPDATE"
    " first_name = IF(VALUES(first_name) = '', first_name, VALUES(first_name)),"
    " last_name = IF(VALUES(last_name) = '', last_name, VALUES(last_name)),"
    " properties = JSON_MERGE_PATCH(properties, VALUES(properties)),"
    " updated_at = VALUES(updated_at)"
)


class LeaseLost(Exception):
    """Another worker has taken the import over; this one must write nothing more."""


@dataclass
class Conflict:
    """A property whose declared kind is not the one that the file's column looks like."""

    name: str
    declared: str
    guessed: str


@dataclass
class ImportPreview:
    """What an import of this file would do. `complete` is False where only PREVIEW_ROWS were looked at."""

    delimiter: str
    mapping: dict[str, str | None]
    properties: dict[str, str]
    conflicts: list[Conflict]
    rows: int = 0
    created: int = 0
    updated: int = 0
    unsubscribed: int = 0
    invalid: int = 0
    duplicate: int = 0
    complete: bool = True
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _Chunk:
    """Rows of the file, read: one person an address, and how the rows split up."""

    rows: int = 0
    people: dict[str, Person] = field(default_factory=dict)
    fresh: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def duplicate(self) -> int:
        return self.rows - self.fresh - len(self.errors)


def preview(
    stream: IO[bytes], audience_id: int, mapping: dict[str, str | None] | None = None
) -> ImportPreview:
    """Reads the file and answers what `run` would do with it; writes nothing. Raises FileError."""
    table = Table(stream)
    chosen = _complete(table.titles, mapping)
    head, rows = _head(table)
    declared = properties.declared(audience_id)
    guessed = guess_kinds(table.titles, chosen, [cells for _, cells, problem in head if not problem])
    kinds = guessed | {name: kind for name, kind in declared.items() if name in guessed}
    result = ImportPreview(table.delimiter, chosen, kinds, _conflicts(guessed, kinds))
    limited = islice(rows, PREVIEW_ROWS)
    for chunk in _chunks(limited, Columns(table.titles, chosen, kinds)):
        statuses = _statuses(audience_id, chunk.people)
        seen_before = len(chunk.people) - chunk.fresh
        result.rows += chunk.rows
        result.invalid += len(chunk.errors)
        result.duplicate += chunk.duplicate
        result.updated += len(statuses)
        result.created += len(chunk.people) - len(statuses) - seen_before
        result.unsubscribed += list(statuses.values()).count(UNSUBSCRIBED)
        result.errors += chunk.errors[: MAX_ERRORS - len(result.errors)]
    result.complete = next(rows, None) is None
    return result


def create(
    audience: Audience, filename: str, stream: IO[bytes], mapping: dict[str, str | None] | None = None
) -> ContactImport:
    """Stores the file and notes the import, for a worker to `run`. Raises FileError for unusable titles."""
    table = Table(stream)
    chosen = _complete(table.titles, mapping)
    check_mapping(table.titles, chosen)
    size = stream.seek(0, 2)
    stream.seek(0)
    return ContactImport.create(
        team=audience.team_id,
        audience=audience,
        filename=filename[:255],
        storage_key=uploads.store(audience.team_id, stream),
        mapping=chosen,
        bytes_total=size,
        lease_until=_lease(),  # so long its task has time to come
    )


def run(import_id: int) -> None:
    """Takes the import and carries it to its end, from the row that an earlier worker reached.

    Does nothing where another worker holds it or it has ended. Errors of the services are raised, and
    leave it to be taken again after 2, 4, 8 … seconds; the MAX_ATTEMPTS-th ends it as failed.
    """
    job = _take(import_id)
    if job is None:
        return
    log.info("import started", extra=_ids(job) | {"rows_done": job.rows_done, "attempt": job.attempts})
    try:
        with uploads.opened(job.storage_key) as stream:
            _run(job, stream)
    except FileError as error:
        _end(job, "failed", str(error))
    except LeaseLost:
        log.warning("import taken over by another worker", extra=_ids(job))
    except Exception as error:
        if job.attempts >= MAX_ATTEMPTS:
            _end(job, "failed", f"Given up after {job.attempts} attempts: {type(error).__name__}")
        else:
            _save(job, lease_until=from_now(2**job.attempts))
        raise
    else:
        _end(job, "finished", "")


def stalled() -> list[int]:
    """Imports that nobody works on: a task got lost, or its worker died. For the clock to start again."""
    unfinished = ContactImport.state.in_(("uploaded", "running"))
    return [row.id for row in ContactImport.select(ContactImport.id).where(unfinished, _is_free())]


def _run(job: ContactImport, stream: IO[bytes]) -> None:
    _hold(job)
    kinds = _survey(job, stream)
    stream.seek(0)
    table = Table(stream)
    columns = Columns(table.titles, job.mapping, kinds)
    rows = table.rows()
    seen = _already_seen(job, islice(rows, job.rows_done), columns)
    for chunk in _chunks(rows, columns, seen):
        _write_again_on_deadlock(job, chunk)


def _survey(job: ContactImport, stream: IO[bytes]) -> dict[str, str]:
    """Reads the whole file once before anything is written: counts its rows, declares its properties.

    A file that cannot be read to its end fails here, with nothing done. Returns the kinds.
    """
    table = Table(stream)
    check_mapping(table.titles, job.mapping)
    head, rows = _head(table)
    guessed = guess_kinds(table.titles, job.mapping, [cells for _, cells, problem in head if not problem])
    if job.rows_total is None:
        job.rows_total = sum(1 for _ in rows)
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
            _save(job, rows_total=job.rows_total, errors=job.errors)
    return properties.declared(job.audience_id)


def _chunks(
    rows: Iterator[tuple[int, list[str], str]], columns: Columns, seen: set[int] | None = None
) -> Iterator[_Chunk]:
    """Rows, CHUNK_ROWS at a time. `seen` holds hashes of the addresses met so far, 60 bytes each."""
    seen = set() if seen is None else seen
    while some := list(islice(rows, CHUNK_ROWS)):
        chunk = _Chunk(rows=len(some))
        for line, cells, problem in some:
            if problem:
                chunk.errors.append({"line": line, "field": "", "message": problem})
                continue
            try:
                person = columns.read(cells)
            except RowError as error:
                chunk.errors.append({"line": line, "field": error.field, "message": str(error)})
                continue
            earlier = chunk.people.get(person.email)
            chunk.people[person.email] = person if earlier is None else person.over(earlier)
            mark = hash(person.email)
            if mark not in seen:
                seen.add(mark)
                chunk.fresh += 1
        yield chunk


def _already_seen(
    job: ContactImport, rows: Iterator[tuple[int, list[str], str]], columns: Columns
) -> set[int]:
    """Reads past the rows of an earlier worker, so that their addresses count as seen."""
    seen: set[int] = set()
    for _ in _chunks(rows, columns, seen):
        _hold(job)
    return seen


def _write_again_on_deadlock(job: ContactImport, chunk: _Chunk) -> None:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with database.atomic(READ_COMMITTED):
                progress = _write(job, chunk)
            break
        except OperationalError as error:
            if error.args[0] not in _TRANSIENT or attempt == MAX_ATTEMPTS:
                raise
            log.info("chunk tried again", extra=_ids(job) | {"reason": str(error)})
    for name, value in progress.items():
        setattr(job, name, value)


def _write(job: ContactImport, chunk: _Chunk) -> dict[str, Any]:
    """Contacts and progress, in the caller's transaction; returns the progress written."""
    # Who was seen before is no new contact, save where somebody deleted it meanwhile.
    created = min(_upsert(job.audience_id, list(chunk.people.values())), chunk.fresh)
    progress: dict[str, Any] = {
        "rows_done": job.rows_done + chunk.rows,
        "rows_created": job.rows_created + created,
        "rows_updated": job.rows_updated + chunk.fresh - created,
        "rows_invalid": job.rows_invalid + len(chunk.errors),
        "rows_duplicate": job.rows_duplicate + chunk.duplicate,
        "lease_until": _lease(),
    }
    if chunk.errors and len(job.errors) < MAX_ERRORS:
        progress["errors"] = (job.errors + chunk.errors)[:MAX_ERRORS]
    _save(job, **progress)
    return progress


def _upsert(audience_id: int, people: list[Person]) -> int:
    """Creates or updates the people, who are all different; returns how many are new."""
    if not people:
        return 0
    moment = now().strftime("%Y-%m-%d %H:%M:%S.%f")
    row = _ROW.format(audience_id=int(audience_id), moment=moment)
    values: list[str | bytes] = []
    for person in people:
        values += (
            person.email,
            person.first_name,
            person.last_name,
            orjson.dumps(person.properties).decode() if person.properties else "{}",
        )
    sql = _INSERT + ",".join([row] * len(people)) + _UPDATE
    affected = int(database.execute_sql(sql, values).rowcount)
    put_tags(audience_id, {person.email: person.tags for person in people if person.tags})
    return 2 * len(people) - affected  # an inserted row counts once, an updated one twice


def _statuses(audience_id: int, emails: Iterable[str]) -> dict[str, str]:
    rows = Contact.select(Contact.email, Contact.status).where(
        Contact.audience == audience_id, Contact.email.in_(list(emails))
    )
    return {row.email: row.status for row in rows}


def _take(import_id: int) -> ContactImport | None:
    """The import, ours for a lease; None where it has ended or another worker holds it."""
    free = (ContactImport.state == "uploaded") | ((ContactImport.state == "running") & _is_free())
    taken = (
        ContactImport.update(
            state="running", claim=uuid4(), lease_until=_lease(), attempts=ContactImport.attempts + 1
        )
        .where(ContactImport.id == import_id, free)
        .execute()
    )
    return ContactImport.get_by_id(import_id) if taken else None


def _lease() -> SQL:
    return from_now(settings.lease_seconds)


def _is_free() -> Any:
    return ContactImport.lease_until.is_null() | is_over("lease_until", longest=settings.lease_seconds)


def _hold(job: ContactImport) -> None:
    """Renews the lease. Raises LeaseLost."""
    _save(job, lease_until=_lease())


def _save(job: ContactImport, **changes: Any) -> None:
    """Writes, if the import is still ours. Raises LeaseLost."""
    ours = (ContactImport.id == job.id, ContactImport.claim == job.claim, ContactImport.state == "running")
    if ContactImport.update(**changes).where(*ours).execute():
        return
    if not ContactImport.select().where(*ours).exists():  # it counts changed rows: a lease may be the same
        raise LeaseLost(job.id)


def _end(job: ContactImport, state: str, reason: str) -> None:
    _save(job, state=state, reason=reason[:255], finished_at=now(), lease_until=None, claim=None)
    counts = {
        name: getattr(job, name)
        for name in ("rows_done", "rows_created", "rows_updated", "rows_invalid", "rows_duplicate")
    }
    log.info(f"import {state}", extra=_ids(job) | counts | {"reason": reason})
    try:
        uploads.remove(job.storage_key)  # people's data is kept in one place: the audience
    except Exception:
        log.exception("upload could not be removed", extra=_ids(job) | {"key": job.storage_key})


def _complete(titles: list[str], mapping: dict[str, str | None] | None) -> dict[str, str | None]:
    """The guess, with what the user said over it."""
    guess = guess_mapping(titles)
    said = mapping or {}
    wanted = set(said.values()) - {None}
    return {title: None if target in wanted else target for title, target in guess.items()} | said


def _head(
    table: Table,
) -> tuple[list[tuple[int, list[str], str]], Iterator[tuple[int, list[str], str]]]:
    """The first GUESS_ROWS rows, and all rows (those among them)."""
    rows = table.rows()
    head = list(islice(rows, GUESS_ROWS))
    return head, chain(head, rows)


def _conflicts(guessed: dict[str, str], kinds: dict[str, str]) -> list[Conflict]:
    """Where a declared kind is not what the file looks like. Anything can be read as text."""
    return [
        Conflict(name, kinds[name], kind)
        for name, kind in guessed.items()
        if kinds[name] not in (kind, "text")
    ]


def _ids(job: ContactImport) -> dict[str, Any]:
    return {"team_id": job.team_id, "audience_id": job.audience_id, "import_id": job.id}
