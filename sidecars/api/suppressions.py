"""/v1/suppressions: addresses that the team must not write to, and those that it may write to again."""

from typing import Annotated, Literal

from flask import Response, g, request
from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from werkzeug.datastructures import FileStorage as Upload

from sidecars.api.auth import team_id
from sidecars.api.errors import invalid, not_found
from sidecars.api.ids import EventId, SuppressionId
from sidecars.api.imports import LineError
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Address,
    Answer,
    Body,
    Line,
    OptionalLine,
    PageQuery,
    Path,
    Query,
    Timestamp,
    answer,
    example,
    page,
)
from sidecars.audiences.csvfile import FileError
from sidecars.deliverability import suppression_files, suppressions
from sidecars.settings import settings

api = resource("Suppressions", "Addresses that the team must not write to.", "suppressions")

Stream = Literal["all", "broadcast", "transactional"]
Reason = Literal["hard_bounce", "complaint", "unsubscribe", "manual", "soft_bounce", "mailbox_full", "pause"]


CameOf = Annotated[
    EventId | None,
    BeforeValidator(lambda text: text or None),
    Field(description="The event that it came of; null: none."),
]


class SuppressionPath(Path):
    """Which suppression."""

    suppression_id: SuppressionId


class SuppressionQuery(PageQuery):
    """Which suppressions."""

    email: Address | None = Field(None, description="Those of this address.")
    containing: str = Field("", max_length=254, description="Those whose address holds this text.")
    reason: Reason | None = Field(None, description="Those for this reason.")


class Removal(Query):
    """Why the address may be mailed again."""

    because: Annotated[Line, Field(max_length=1000)] = Field(
        description="Kept with the removal.", json_schema_extra={"example": "asked for it by phone"}
    )


class SuppressionForm(BaseModel):
    """A CSV with titles in its first row."""

    model_config = ConfigDict(extra="forbid")

    file: FileStorage = Field(
        description="Column `email`; `stream`, `reason`, `detail` where there are such. Others are left out."
    )


class NewSuppression(Body):
    """An address to keep from being mailed."""

    model_config = example({"email": "someone@mail.example", "detail": "asked by phone"})

    email: Address
    stream: Stream = "all"
    reason: Literal["manual", "unsubscribe"] = Field(
        "manual", description="`unsubscribe`: from all lists; it is about broadcasts, whatever `stream` says."
    )
    detail: Annotated[OptionalLine, Field(max_length=1000)] = ""


class SuppressionAnswer(Answer):
    """An address that is not mailed, and why."""

    id: SuppressionId
    email: str
    stream: Stream
    reason: Reason
    detail: str
    event_id: CameOf
    expires_at: Timestamp | None = Field(description="Null: never.")
    created_at: Timestamp


class SuppressionPage(Answer):
    """Some suppressions."""

    data: list[SuppressionAnswer]
    next_cursor: str | None


class ImportedAnswer(Answer):
    """What became of the file's rows. All but the invalid ones are suppressed now."""

    rows: int
    invalid: int
    errors: list[LineError] = Field(description="The first 1,000.")


class RemovalAnswer(Answer):
    """A suppression that was taken back."""

    id: SuppressionId
    email: str
    stream: Stream
    reason: Reason
    detail: str
    event_id: CameOf
    suppressed_at: Timestamp
    removed_at: Timestamp
    removed_by: str
    because: str


class RemovalPage(Answer):
    """Some of what was taken back."""

    data: list[RemovalAnswer]
    next_cursor: str | None


class RemovalQuery(PageQuery):
    """Which ones."""

    email: Address | None = Field(None, description="Those of this address.")


@api.before_request
def allow_large_files() -> None:
    """A list is larger than any other body."""
    if request.path.endswith("/imports"):
        request.max_content_length = settings.max_upload_bytes


@api.get("/suppressions", responses={200: SuppressionPage})
def list_suppressions(query: SuppressionQuery) -> Response:
    """List suppressions"""
    rows = suppressions.page(
        team_id(), query.cursor, query.limit + 1, query.email, query.containing, query.reason or ""
    )
    shown = page(rows, query.limit, lambda row: row.id, SuppressionAnswer.model_validate)
    return answer(SuppressionPage(**shown))


@api.post("/suppressions", responses={201: SuppressionAnswer})
def create_suppression(body: NewSuppression) -> Response:
    """Keep an address from being mailed

    One that is suppressed on that stream already stays so, with its first reason.
    """
    row = suppressions.suppress(team_id(), body.email, body.reason, stream=body.stream, detail=body.detail)
    return answer(SuppressionAnswer.model_validate(row), 201)


@api.post("/suppressions/imports", responses={200: ImportedAnswer})
def import_suppressions(form: SuppressionForm) -> Response:
    """Keep the addresses of a CSV from being mailed

    For good. `reason` is hard_bounce, complaint, unsubscribe or manual, which stands where it is left out.
    """
    if not isinstance(form.file, Upload):
        raise invalid("file", "must be a file")
    try:
        told = suppression_files.read_in(team_id(), form.file.stream)
    except FileError as error:
        raise invalid("file", str(error)) from error
    errors = [LineError(line=line, field=field, message=message) for line, field, message in told.errors]
    return answer(ImportedAnswer(rows=told.rows, invalid=told.invalid, errors=errors))


@api.get("/suppressions/export", responses={200: None})
def export_suppressions() -> Response:
    """Get all as a CSV

    With the columns that an import takes, and more.
    """
    lines = suppression_files.written(team_id())
    name = {"Content-Disposition": "attachment; filename=suppressions.csv"}
    return Response(lines, content_type="text/csv; charset=utf-8", headers=name)


@api.get("/suppressions/removals", responses={200: RemovalPage})
def list_removals(query: RemovalQuery) -> Response:
    """See what was taken back, and why"""
    rows = suppressions.removals(team_id(), query.cursor, query.limit + 1, query.email)
    return answer(RemovalPage(**page(rows, query.limit, lambda row: row.id, RemovalAnswer.model_validate)))


@api.delete("/suppressions/<suppression_id>", responses={204: None})
def delete_suppression(path: SuppressionPath, query: Removal) -> tuple[str, int]:
    """Let an address be mailed again"""
    if not suppressions.lift(team_id(), path.suppression_id, query.because, f"API key {g.api_key_id}"):
        raise not_found("suppression")
    return "", 204
