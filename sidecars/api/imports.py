"""/v1/audiences/{id}/imports and /v1/imports: lists of people from a CSV."""

from typing import Any

from flask import Response, request
from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.datastructures import FileStorage as Upload

from sidecars.api.audiences import AudiencePath, own_audience
from sidecars.api.auth import team_id
from sidecars.api.errors import invalid, not_found
from sidecars.api.ids import AudienceId, ImportId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Path, Query, Timestamp, answer
from sidecars.audiences import importing
from sidecars.audiences.csvfile import FileError
from sidecars.fanout.app import import_contacts
from sidecars.models import ContactImport
from sidecars.settings import settings

api = resource("Imports", "Contacts from a CSV file.", "audiences")


class ImportPath(Path):
    """Which import."""

    import_id: ImportId


class ImportQuery(Query):
    """Try it first?"""

    dry_run: bool = Field(False, description="Answer what would happen, and do nothing.")


class ImportForm(BaseModel):
    """A CSV with titles in its first row."""

    model_config = ConfigDict(extra="forbid")

    file: FileStorage = Field(description="UTF-8; separated by comma, semicolon, tab or bar.")
    mapping: dict[str, str | None] | None = Field(
        None,
        description="Column title → `email`, `first_name`, `last_name`, `tags`, `properties.<name>` or null "
        "(left out). What is not named here is guessed from the titles.",
        json_schema_extra={"example": {"E-Mail": "email", "Ort": "properties.city", "Notes": None}},
    )


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


class PreviewAnswer(Answer):
    """What an import of the file would do."""

    delimiter: str
    mapping: dict[str, str | None]
    properties: dict[str, str] = Field(description="Name → kind.")
    conflicts: list[ConflictAnswer]
    rows: int
    created: int
    updated: int
    unsubscribed: int = Field(description="Of those updated, people who unsubscribed; they stay so.")
    duplicate: int = Field(description="Rows whose address stood in an earlier row of the file.")
    invalid: int
    complete: bool = Field(
        description="False where only the first rows were looked at, as there are so many."
    )
    errors: list[LineError]


class ImportAnswer(Answer):
    """An import under way or ended. `rows_done` = created + updated + duplicate + invalid."""

    id: ImportId
    audience_id: AudienceId
    filename: str
    state: str = Field(description="uploaded, running, finished or failed.")
    mapping: dict[str, str | None]
    rows_total: int | None = Field(description="Null till the file has been looked through.")
    rows_done: int
    rows_created: int
    rows_updated: int
    rows_duplicate: int
    rows_invalid: int
    errors: list[LineError] = Field(description="The first 1,000.")
    reason: str = Field(description="Why it failed, and what to do.")
    created_at: Timestamp
    finished_at: Timestamp | None


@api.before_request
def allow_large_files() -> None:
    """A list is larger than any other body."""
    request.max_content_length = settings.max_upload_bytes


@api.post("/audiences/<audience_id>/imports", responses={200: PreviewAnswer, 202: ImportAnswer})
def start_import(path: AudiencePath, query: ImportQuery, form: ImportForm) -> Response:
    """Import contacts from a CSV

    202: the file is kept, and a worker takes it from here; ask `/v1/imports/{id}` how far it is.
    200: with `dry_run`, what would happen.
    """
    audience = own_audience(path.audience_id)
    if not isinstance(form.file, Upload):
        raise invalid("file", "must be a file")
    try:
        if query.dry_run:
            found = importing.preview(form.file.stream, audience.id, form.mapping)
            return answer(PreviewAnswer.model_validate(found))
        job = importing.create(audience, form.file.filename or "contacts.csv", form.file.stream, form.mapping)
    except FileError as error:
        raise invalid("file", str(error)) from error
    import_contacts(job.id)
    return answer(ImportAnswer.model_validate(job), 202)


@api.get("/imports/<import_id>", responses={200: ImportAnswer})
def get_import(path: ImportPath) -> Response:
    """See how far an import is"""
    job: Any = ContactImport.get_or_none(ContactImport.id == path.import_id, ContactImport.team == team_id())
    if job is None:
        raise not_found("import")
    return answer(ImportAnswer.model_validate(job))
