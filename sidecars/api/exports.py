"""/v1/audiences/{id}/contacts.csv, …/contacts.ndjson, …/exports and /v1/exports: contacts given out."""

from collections.abc import Iterator
from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from sidecars.api.audiences import AudiencePath, own_audience
from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, not_found
from sidecars.api.ids import AudienceId, ExportId
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, PageQuery, Path, Query, Timestamp, answer, example, page
from sidecars.audiences import exporting, uploads
from sidecars.fanout.app import export_contacts
from sidecars.models import Audience, ContactExport

api = resource("Exports", "Contacts as a file.", "audiences")

Status = Annotated[
    Literal["subscribed", "unsubscribed", "pending"] | None, Field(description="Those of this status.")
]
TagName = Annotated[str | None, Field(max_length=64, description="Those with this tag.")]


class ExportPath(Path):
    """Which export."""

    export_id: ExportId


class ExportQuery(Query):
    """Whom it has."""

    status: Status = None
    tag: TagName = None


class NewExport(Body):
    """What to write, of whom."""

    model_config = example({"format": "csv", "status": "subscribed"})

    format: Literal["csv", "ndjson"] = "csv"
    status: Status = None
    tag: TagName = None


class ExportAnswer(Answer):
    """An export under way or ended."""

    id: ExportId
    audience_id: AudienceId
    format: str
    status: str | None
    tag: str | None
    state: str = Field(description="queued, running, finished, failed or cancelled.")
    rows_done: int
    bytes_total: int
    url: str | None = Field(
        description="Where the file is, once it is finished; kept for a week. The link holds for an hour."
    )
    reason: str = Field(description="Why it failed.")
    created_at: Timestamp
    finished_at: Timestamp | None


class ExportPage(Answer):
    """Some exports."""

    data: list[ExportAnswer]
    next_cursor: str | None


@api.get("/audiences/<audience_id>/contacts.csv", responses={200: None})
@needs("audiences:export")
def export_csv(path: AudiencePath, query: ExportQuery) -> Response:
    """Get contacts as a CSV

    An import takes it again. A cell that a spreadsheet could take for a formula has a `'` before it.
    """
    return _file(own_audience(path.audience_id), exporting.CSV, query)


@api.get("/audiences/<audience_id>/contacts.ndjson", responses={200: None})
@needs("audiences:export")
def export_ndjson(path: AudiencePath, query: ExportQuery) -> Response:
    """Get contacts as JSON, one a line"""
    return _file(own_audience(path.audience_id), exporting.NDJSON, query)


@api.post("/audiences/<audience_id>/exports", responses={202: ExportAnswer})
@needs("audiences:export")
def start_export(path: AudiencePath, body: NewExport) -> Response:
    """Export contacts into a file

    A worker writes it; `/v1/exports/{id}` has its link then.
    """
    audience = own_audience(path.audience_id)
    job = exporting.create(audience, body.format, exporting.Chosen(body.status, body.tag))
    export_contacts(job.id)
    return answer(_shown(job), 202)


@api.get("/audiences/<audience_id>/exports", responses={200: ExportPage})
@needs("audiences:export")
def list_exports(path: AudiencePath, query: PageQuery) -> Response:
    """List exports, the latest first"""
    audience = own_audience(path.audience_id)
    rows = exporting.page(audience.id, query.cursor, query.limit + 1)
    return answer(ExportPage(**page(rows, query.limit, lambda row: row.id, _shown)))


@api.get("/exports/<export_id>", responses={200: ExportAnswer})
@needs("audiences:export")
def get_export(path: ExportPath) -> Response:
    """See how far an export is, and where its file is"""
    return answer(_shown(_own_export(path.export_id)))


@api.post("/exports/<export_id>/cancel", responses={200: ExportAnswer})
@needs("audiences:export")
def cancel_export(path: ExportPath) -> Response:
    """Cancel an export"""
    job = _own_export(path.export_id)
    if not exporting.cancel(job):
        raise conflict("The export has ended already.", _own_export(job.id).state)
    return answer(_shown(_own_export(job.id)))


def _own_export(export_id: int) -> ContactExport:
    job = ContactExport.get_or_none(ContactExport.id == export_id, ContactExport.team == team_id())
    if job is None:
        raise not_found("export")
    found: ContactExport = job
    return found


def _file(audience: Audience, kind: str, query: ExportQuery) -> Response:
    blocks: Iterator[bytes] = exporting.written(audience.id, kind, exporting.Chosen(query.status, query.tag))
    name = {"Content-Disposition": f"attachment; filename=contacts.{kind}"}
    return Response(blocks, content_type=uploads.TYPES[kind], headers=name)


def _shown(job: ContactExport) -> ExportAnswer:
    url = uploads.link_to(job.storage_key, f"contacts-{job.id}.{job.format}") if job.storage_key else None
    more = job.filter | {"url": url}
    return ExportAnswer(**{name: getattr(job, name, None) for name in ExportAnswer.model_fields} | more)
