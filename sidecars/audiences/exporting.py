"""Contacts given out, as CSV or as one JSON object a line: streamed, or into a file in storage.

Pages are read along the contacts' ids, so memory stays flat and nothing is locked. Who comes or goes
meanwhile may or may not be among them.
"""

import csv
import io
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from sidecars.audiences import leases, properties, tags, uploads
from sidecars.audiences.columns import (
    EMAIL,
    FIRST_NAME,
    LAST_NAME,
    OUR_TITLES,
    PROPERTY,
    STATUS_TITLES,
    TAGS,
)
from sidecars.audiences.csvfile import guarded
from sidecars.audiences.properties import LIST_SEPARATOR
from sidecars.models import Audience, Contact, ContactExport, ContactImport, ContactTag, Tag, database, now

log = logging.getLogger(__name__)

PAGE_ROWS = 2000
CSV = "csv"
NDJSON = "ndjson"
# For so long people can fetch a file; after that it is deleted, as it holds people's data.
KEPT = timedelta(days=7)
_PERSON_TITLES = (EMAIL, FIRST_NAME, LAST_NAME, TAGS)


@dataclass(frozen=True)
class Chosen:
    """Whom an export has; None: whoever it may be."""

    status: str | None = None
    tag: str | None = None


class _NoSuchFormat(ValueError):
    """A format that an older or newer version knows."""


def written(audience_id: int, kind: str, chosen: Chosen) -> Iterator[bytes]:
    """The file, a page at a time. A CSV has a column for each of the audience's properties."""
    return (block for block, _ in _blocks(audience_id, kind, chosen))


def create(audience: Audience, kind: str, chosen: Chosen) -> ContactExport:
    """Notes an export into a file, for a worker to `run`."""
    return ContactExport.create(
        team=audience.team_id,
        audience=audience,
        format=kind,
        filter=asdict(chosen),
        lease_until=leases.lease(),
    )


def run(export_id: int) -> None:
    """Takes the export and carries it to its end, from the beginning. Errors are raised, to try again."""
    job = leases.take(ContactExport, export_id)
    if job is not None:
        with leases.held(job, hopeless=_NoSuchFormat):
            _run(job)


def page(audience_id: int, before: int, limit: int) -> list[ContactExport]:
    """The audience's exports before id `before` (0: all), the latest first."""
    query = ContactExport.select().where(ContactExport.audience == audience_id)
    if before:
        query = query.where(ContactExport.id < before)
    return list(query.order_by(ContactExport.id.desc()).limit(limit))


def stalled() -> list[int]:
    """Exports that nobody works on. For the clock to start again."""
    return leases.stalled(ContactExport)


def cancel(job: ContactExport) -> bool:
    """Ends the export. False where it has ended already."""
    return leases.cancel(job)


def forget_old() -> None:
    """Deletes files that were kept for long enough: of exports, and of what imports refused."""
    long_ago = now() - KEPT
    for table, key in ((ContactExport, ContactExport.storage_key), (ContactImport, ContactImport.errors_key)):
        for row in table.select(table.id, key).where(key != "", table.finished_at < long_ago):
            uploads.remove(getattr(row, key.name))
            table.update({key: ""}).where(table.id == row.id).execute()


def _run(job: ContactExport) -> None:
    rows_done = 0
    with tempfile.TemporaryFile() as file:
        for block, rows in _blocks(job.audience_id, job.format, Chosen(**job.filter)):
            file.write(block)
            rows_done += rows
            leases.save(job, rows_done=rows_done, lease_until=leases.lease())
        size = file.tell()
        file.seek(0)
        key = uploads.store(job.team_id, file, uploads.EXPORT, job.format)
    try:
        leases.save(job, storage_key=key, bytes_total=size)
    except leases.LeaseLost:
        uploads.remove(key)
        raise


def _blocks(audience_id: int, kind: str, chosen: Chosen) -> Iterator[tuple[bytes, int]]:
    """Pieces of the file, and how many contacts each has."""
    if kind == NDJSON:
        yield from ((b"".join(map(_json_line, page)), len(page)) for page in _pages(audience_id, chosen))
    elif kind == CSV:
        with database.connection_context():
            kinds = properties.declared(audience_id)
        yield _lines([_titles(kinds)]), 0
        for page in _pages(audience_id, chosen):
            yield _lines([_cells(contact, borne, kinds) for contact, borne in page]), len(page)
    else:
        raise _NoSuchFormat(f"there is no format {kind}")


def _pages(audience_id: int, chosen: Chosen) -> Iterator[list[tuple[Contact, list[str]]]]:
    """Contacts with their tags, PAGE_ROWS at a time. No connection is held while a reader takes a page."""
    last = 0
    while True:
        with database.connection_context():
            query = Contact.select().where(*_conditions(audience_id, chosen), Contact.id > last)
            rows = list(query.order_by(Contact.id).limit(PAGE_ROWS))
            borne = tags.of_contacts(row.id for row in rows)
        if not rows:
            return
        last = rows[-1].id
        yield [(row, borne.get(row.id, [])) for row in rows]


def _conditions(audience_id: int, chosen: Chosen) -> list[Any]:
    conditions = [Contact.audience == audience_id]
    if chosen.status is not None:
        conditions.append(Contact.status == chosen.status)
    if chosen.tag is not None:
        tag = Tag.select(Tag.id).where(Tag.audience == audience_id, Tag.name == chosen.tag)
        conditions.append(
            Contact.id.in_(ContactTag.select(ContactTag.contact).where(ContactTag.tag.in_(tag)))
        )
    return conditions


def _titles(kinds: dict[str, str]) -> list[str]:
    """One a column; a property that is called as another of them is named in full."""
    names = [PROPERTY + name if name in (*_PERSON_TITLES, *OUR_TITLES) else name for name in kinds]
    return [*_PERSON_TITLES, *names, *STATUS_TITLES]


def _cells(contact: Contact, borne: list[str], kinds: dict[str, str]) -> list[str]:
    known = contact.properties
    texts = (contact.email, contact.first_name, contact.last_name, _joined(borne))
    moments = (contact.subscribed_at, contact.unsubscribed_at, contact.created_at)
    return [
        *map(guarded, texts),
        *(_cell(kind, known[name]) if name in known else "" for name, kind in kinds.items()),
        contact.status,
        *map(_moment, moments),
    ]


def _cell(kind: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return guarded(_joined([str(item) for item in value]))
    # What is a number cannot be a formula, and with a quote before it it were no number any more.
    return str(value) if kind == "number" and isinstance(value, int | float) else guarded(str(value))


def _joined(words: list[str]) -> str:
    """As an import takes them apart: with a bar at the end, nothing else does."""
    is_plain = len(words) != 1 and not any(set(word) & set(",;") for word in words)
    return LIST_SEPARATOR.join(words if is_plain else [*words, ""])


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _json_line(contact_and_tags: tuple[Contact, list[str]]) -> bytes:
    contact, borne = contact_and_tags
    facts = {
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "properties": contact.properties,
        "tags": borne,
        "status": contact.status,
        "subscribed_at": _moment(contact.subscribed_at) or None,
        "unsubscribed_at": _moment(contact.unsubscribed_at) or None,
        "created_at": _moment(contact.created_at),
    }
    return orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE)
