"""/v1/audiences/{id}/imports and /v1/imports: lists of people from a CSV."""

from datetime import timedelta
from typing import IO, Annotated, Any, Literal

import orjson
from flask import Response, request
from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from werkzeug.datastructures import FileStorage as Upload

from sidecars.api.audiences import AudiencePath, own_audience
from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, invalid, not_found
from sidecars.api.ids import AudienceId, ImportId
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Answer,
    Body,
    OptionalLine,
    PageQuery,
    Path,
    Query,
    Timestamp,
    answer,
    example,
    page,
)
from sidecars.audiences import importing, uploads
from sidecars.audiences.columns import MAX_TAG
from sidecars.audiences.csvfile import FileError
from sidecars.fanout.app import import_contacts
from sidecars.models import Audience, ContactImport, now
from sidecars.settings import settings

api = resource("Imports", "Contacts from a CSV file.", "audiences")


class ImportPath(Path):
    """Which import."""

    import_id: ImportId


class ImportQuery(Query):
    """Try it first?"""

    dry_run: bool = Field(False, description="Answer what would happen, line by line, and do nothing.")


def _as_sent(value: Any) -> Any:
    """A form's field is read as JSON where it can be; where a text is meant, `5` is one."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


Text = BeforeValidator(_as_sent)
Mapping = Annotated[
    dict[str, str | None] | None,
    Field(
        description="Column title → `email`, `first_name`, `last_name`, `tags`, `properties.<name>` or null "
        "(left out). What is not named here is guessed from the titles.",
        json_schema_extra={"example": {"E-Mail": "email", "Ort": "properties.city", "Notes": None}},
    ),
]
OnConflict = Annotated[
    Literal["update", "skip"], Field(description="Whether contacts that are there are changed or left alone.")
]
Tags = Annotated[
    list[Annotated[str, Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TAG)]],
    Field(description="Put on everyone whom the import takes.", max_length=50),
]
NewStatus = Annotated[
    Literal["subscribed", "unsubscribed", "pending"],
    Field(description="Of contacts that are new; those that are there keep theirs."),
]
Consent = Annotated[
    str,
    Text,
    Field(
        description="How the new ones agreed, kept as the proof: “Ticked the box in our shop, May 2026”.",
        max_length=1000,
    ),
]


class ImportForm(BaseModel):
    """A CSV with titles in its first row."""

    model_config = ConfigDict(extra="forbid")

    file: FileStorage = Field(description="UTF-8; separated by comma, semicolon, tab or bar.")
    mapping: Mapping = None
    on_conflict: OnConflict = "update"
    tags: Tags = Field(default_factory=list)
    status: NewStatus = "subscribed"
    consent: Consent = ""


class UploadedImport(Body):
    """A CSV that was uploaded to storage."""

    model_config = example(
        {
            "key": "imports/1/0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b.csv",
            "filename": "readers.csv",
            "mapping": {"Ort": "properties.city"},
            "tags": ["spring"],
            "consent": "Ticked the box in our shop, May 2026",
        }
    )

    key: str = Field(max_length=255, description="As `POST …/uploads` answered it.")
    upload_id: str = Field("", max_length=1024, description="The same, where it answered one.")
    filename: OptionalLine = Field("contacts.csv", max_length=255)
    mapping: Mapping = None
    on_conflict: OnConflict = "update"
    tags: Tags = Field(default_factory=list)
    status: NewStatus = "subscribed"
    consent: Consent = ""


class NewUpload(Body):
    """A CSV that is to be uploaded."""

    model_config = example({"size": 52_428_800})

    size: int = Field(ge=1, description="Its bytes.")


class UploadAnswer(Answer):
    """Where to PUT the file, with no header of its own but `Content-Length`."""

    key: str = Field(description="For the import.")
    upload_id: str = Field(description="For the import; empty for a file of one part.")
    part_bytes: int = Field(description="How long each part but the last must be.")
    urls: list[str] = Field(description="One a part, in order.")
    expires_at: Timestamp


class LineError(Answer):
    """One thing wrong with the file; the row was left out."""

    line: int = Field(description="Line of the file on which the row begins, from 1.")
    field: str = Field(description="The column's title; empty where it is about the row.")
    message: str


class ConflictAnswer(Answer):
    """A property whose declared kind the file's column does not look like."""

    name: str
    declared: str
    guessed: str


class FirstRowsAnswer(Answer):
    """What the file looks like."""

    delimiter: str
    titles: list[str]
    mapping: dict[str, str | None]
    properties: dict[str, str] = Field(description="Name → kind.")
    conflicts: list[ConflictAnswer]
    sample: list[list[str]] = Field(description="Cells of the first ten rows.")


class LineAnswer(Answer):
    """What would become of a row."""

    line: int = Field(description="Line of the file on which the row begins, from 1.")
    email: str = Field(description="Empty for an invalid row; `errors` says why.")
    outcome: Literal["created", "updated", "skipped", "duplicate", "invalid"]


class PreviewAnswer(FirstRowsAnswer):
    """What an import of the file would do."""

    rows: int
    created: int
    updated: int
    skipped: int = Field(description="Contacts that are there and would be left alone.")
    unsubscribed: int = Field(description="Of those updated, people who unsubscribed; they stay so.")
    duplicate: int = Field(description="Rows whose address stood in an earlier row of the file.")
    invalid: int
    complete: bool = Field(
        description="False where only the first rows were looked at, as there are so many."
    )
    errors: list[LineError] = Field(description="The first 1,000.")
    lines: list[LineAnswer] = Field(description="The first 1,000.")


class ImportAnswer(Answer):
    """An import under way or ended. `rows_done` = created + updated + skipped + duplicate + invalid."""

    id: ImportId
    audience_id: AudienceId
    filename: str
    state: str = Field(description="uploaded, running, finished, failed or cancelled.")
    mapping: dict[str, str | None]
    on_conflict: str
    tags: list[str]
    status: str
    consent: str
    rows_total: int | None = Field(description="Null till the file has been looked through.")
    rows_done: int
    rows_created: int
    rows_updated: int
    rows_skipped: int
    rows_duplicate: int
    rows_invalid: int
    rows_per_second: int | None = Field(description="Null till the first are in.")
    seconds_left: int | None = Field(description="At that rate; null where nobody can tell.")
    errors: list[LineError] = Field(description="The first 1,000.")
    errors_url: str | None = Field(
        description="All rows that were refused as a CSV, with reasons, where they are more; made when the "
        "import ends and kept for a week. The link holds for an hour."
    )
    reason: str = Field(description="Why it failed, and what to do.")
    created_at: Timestamp
    finished_at: Timestamp | None


class ImportPage(Answer):
    """Some imports."""

    data: list[ImportAnswer]
    next_cursor: str | None


@api.before_request
def allow_large_files() -> None:
    """A list is larger than any other body."""
    if request.path.endswith(("/imports", "/imports/preview")):
        request.max_content_length = settings.max_upload_bytes


@api.post(
    "/audiences/<audience_id>/imports",
    responses={200: PreviewAnswer, 202: ImportAnswer},
)
def start_import(path: AudiencePath, query: ImportQuery, form: ImportForm) -> Response:
    """Import contacts from a CSV

    202: the file is kept, and a worker takes it from here; ask `/v1/imports/{id}` how far it is.
    200: with `dry_run`, what would happen.
    """
    audience = own_audience(path.audience_id)
    file = _file(form)
    try:
        if query.dry_run:
            return _tried(file.stream, audience, form)
        name = file.filename or "contacts.csv"
        job = importing.create(audience, name, file.stream, form.mapping, _options(form))
    except FileError as error:
        raise invalid("file", str(error)) from error
    import_contacts(job.id)
    return answer(_shown(job), 202)


@api.post("/audiences/<audience_id>/imports/preview", responses={200: FirstRowsAnswer})
def preview_import(path: AudiencePath, form: ImportForm) -> Response:
    """See what a CSV looks like

    By its first thousand rows.
    """
    audience = own_audience(path.audience_id)
    return _first_rows("file", _file(form).stream, audience, form)


@api.post("/audiences/<audience_id>/uploads", responses={201: UploadAnswer})
def start_upload(path: AudiencePath, body: NewUpload) -> Response:
    """Upload a CSV straight to storage

    For large files. PUT each part of the file to its url within the hour, then import it by its key.
    """
    audience = own_audience(path.audience_id)
    if body.size > settings.max_upload_bytes:
        raise invalid("size", f"a list may have {settings.max_upload_bytes:,} bytes")
    ticket = uploads.ticket(audience.team_id, body.size)
    return answer(
        UploadAnswer(
            **vars(ticket),
            part_bytes=uploads.PART_BYTES,
            expires_at=now() + timedelta(seconds=uploads.LINK_SECONDS),
        ),
        201,
    )


@api.post(
    "/audiences/<audience_id>/imports/uploaded",
    responses={200: PreviewAnswer, 202: ImportAnswer},
)
def import_uploaded(path: AudiencePath, query: ImportQuery, body: UploadedImport) -> Response:
    """Import contacts from an uploaded CSV

    As from one in the request. A file is imported once.
    """
    audience = own_audience(path.audience_id)
    stored = _uploaded(body, audience)
    try:
        if query.dry_run:
            with uploads.opened(stored.key) as stream:
                return _tried(stream, audience, body)
        mapping = importing.usable_mapping(uploads.beginning(stored.key), body.mapping)
    except FileError as error:
        raise invalid("key", str(error)) from error
    job = importing.note(audience, body.filename, stored, mapping, _options(body))
    import_contacts(job.id)
    return answer(_shown(job), 202)


@api.post("/audiences/<audience_id>/imports/uploaded/preview", responses={200: FirstRowsAnswer})
def preview_uploaded(path: AudiencePath, body: UploadedImport) -> Response:
    """See what an uploaded CSV looks like

    By its first thousand rows.
    """
    audience = own_audience(path.audience_id)
    stored = _uploaded(body, audience)
    return _first_rows("key", uploads.beginning(stored.key), audience, body)


@api.get("/audiences/<audience_id>/imports", responses={200: ImportPage})
def list_imports(path: AudiencePath, query: PageQuery) -> Response:
    """List imports, the latest first"""
    audience = own_audience(path.audience_id)
    rows = importing.page(audience.id, query.cursor, query.limit + 1)
    return answer(ImportPage(**page(rows, query.limit, lambda row: row.id, _shown)))


@api.get("/imports/<import_id>", responses={200: ImportAnswer})
def get_import(path: ImportPath) -> Response:
    """See how far an import is"""
    return answer(_shown(_own_import(path.import_id)))


@api.post("/imports/<import_id>/cancel", responses={200: ImportAnswer})
def cancel_import(path: ImportPath) -> Response:
    """Cancel an import

    Who is in already stays in.
    """
    job = _own_import(path.import_id)
    if not importing.cancel(job):
        raise conflict("The import has ended already.", _own_import(job.id).state)
    return answer(_shown(_own_import(job.id)))


def _own_import(import_id: int) -> ContactImport:
    job = ContactImport.get_or_none(ContactImport.id == import_id, ContactImport.team == team_id())
    if job is None:
        raise not_found("import")
    found: ContactImport = job
    return found


def _options(said: ImportForm | UploadedImport) -> importing.Options:
    return importing.Options(said.on_conflict, said.tags, said.status, said.consent)


def _file(form: ImportForm) -> Upload:
    if not isinstance(form.file, Upload):
        raise invalid("file", "must be a file")
    return form.file


def _uploaded(body: UploadedImport, audience: Audience) -> uploads.Stored:
    """The file in storage. Answers 409 where it is imported already, 422 where it is not there."""
    theirs = (ContactImport.team == audience.team_id, ContactImport.storage_key == body.key)
    if ContactImport.select().where(*theirs).exists():
        raise conflict("This file is imported already; upload it again to import it again.", "exists")
    try:
        return uploads.uploaded(audience.team_id, body.key, body.upload_id)
    except uploads.NoSuchUpload as error:
        raise invalid("key", str(error)) from error


def _first_rows(
    field: str, stream: IO[bytes], audience: Audience, said: ImportForm | UploadedImport
) -> Response:
    try:
        found = importing.first_rows(stream, audience.id, said.mapping)
    except FileError as error:
        raise invalid(field, str(error)) from error
    return answer(FirstRowsAnswer.model_validate(found))


def _tried(stream: IO[bytes], audience: Audience, said: ImportForm | UploadedImport) -> Response:
    """What an import of it would do. Raises FileError."""
    told = importing.preview(stream, audience.id, said.mapping, said.on_conflict)
    return answer(PreviewAnswer.model_validate(told))


def _shown(job: ContactImport) -> ImportAnswer:
    url = uploads.link_to(job.errors_key, f"import-{job.id}-errors.csv") if job.errors_key else None
    more = {"tags": job.tags or [], "seconds_left": _seconds_left(job), "errors_url": url}
    return ImportAnswer(**{name: getattr(job, name, None) for name in ImportAnswer.model_fields} | more)


def _seconds_left(job: ContactImport) -> int | None:
    if job.state != "running" or not job.rows_total or not job.rows_per_second:
        return None
    return -(-(job.rows_total - job.rows_done) // job.rows_per_second)
