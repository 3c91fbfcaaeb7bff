"""/v1/layouts: what stands around the content of many mails, in versions."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.broadcasts import Kind, Source
from sidecars.api.errors import conflict, not_found
from sidecars.api.ids import LayoutId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Body, Line, PageQuery, Path, Timestamp, answer, example, page
from sidecars.content import templates, versions
from sidecars.content.versions import LAYOUTS
from sidecars.mail.wrapping import check_place
from sidecars.models import Layout, LayoutVersion

api = resource("Layouts", "What stands around the content of many mails.", "content")

Name = Annotated[Line, Field(max_length=120)]
EXAMPLE_BODY = (
    '<div style="max-width:600px"><h1>Acme</h1>{{ content }}'
    '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></div>'
)


class LayoutPath(Path):
    """Which layout."""

    layout_id: LayoutId


class VersionNumber(Path):
    """Which of its versions, from 1."""

    number: int = Field(ge=1, le=4_000_000_000)


class LayoutVersionPath(LayoutPath, VersionNumber):
    """Which version of which layout."""


class LayoutChange(Body):
    """What to change; what is left out stays. A change of the content is a new version."""

    model_config = example({"body": EXAMPLE_BODY})

    name: Name | None = None
    kind: Kind | None = None
    body: Source | None = Field(None, description="Says once where the content goes, by `{{ content }}`.")


class NewLayout(LayoutChange):
    """A layout. Templates that name it are put where it says `{{ content }}`."""

    model_config = example({"name": "Letter", "kind": "html", "body": EXAMPLE_BODY})

    name: Name
    kind: Kind = "html"
    body: Source = Field(description="Says once where the content goes, by `{{ content }}`.")


class LayoutAnswer(Answer):
    """A layout."""

    id: LayoutId
    name: str
    version: int = Field(description="The number of its latest version.")
    created_at: Timestamp
    updated_at: Timestamp


class LayoutDetail(LayoutAnswer):
    """A layout with its latest version."""

    kind: Kind
    body: str


class LayoutPage(Answer):
    """Some layouts, the latest first."""

    data: list[LayoutAnswer]
    next_cursor: str | None


class VersionAnswer(Answer):
    """A save. `changed` names the fields that differ from the version before."""

    number: int
    changed: list[str]
    restored_from: int | None = Field(description="The version that came back with it.")
    created_at: Timestamp


class LayoutVersionDetail(Answer):
    """A layout as it was."""

    number: int
    kind: Kind
    body: str
    restored_from: int | None
    created_at: Timestamp


class LayoutVersionPage(Answer):
    """Some versions, the latest first."""

    data: list[VersionAnswer]
    next_cursor: str | None


@api.post("/layouts", responses={201: LayoutDetail})
def create_layout(body: NewLayout) -> Response:
    """Write a layout"""
    check_place(body.body)
    return answer(_detail(versions.create(LAYOUTS, team_id(), **body.model_dump())), 201)


@api.get("/layouts", responses={200: LayoutPage})
def list_layouts(query: PageQuery) -> Response:
    """List layouts, the latest first"""
    rows = versions.page(LAYOUTS, team_id(), query.cursor, query.limit + 1)
    return answer(LayoutPage(**page(rows, query.limit, lambda row: row.id, LayoutAnswer.model_validate)))


@api.get("/layouts/<layout_id>", responses={200: LayoutDetail})
def get_layout(path: LayoutPath) -> Response:
    """Read a layout"""
    return answer(_detail(_own(path.layout_id)))


@api.patch("/layouts/<layout_id>", responses={200: LayoutDetail})
def change_layout(path: LayoutPath, body: LayoutChange) -> Response:
    """Save a layout

    Templates that name it have it at once; broadcasts that were made from them stay as they are. 409: it
    would become of another kind than templates that name it.
    """
    layout = _own(path.layout_id)
    said = {name: value for name, value in body.model_dump().items() if value is not None}
    if "body" in said:
        check_place(said["body"])
    if said.get("kind", kind := versions.version_of(LAYOUTS, layout).kind) != kind:
        _refuse_while_named(layout, "It cannot change its kind")
    return answer(_detail(versions.change(LAYOUTS, layout, **said)))


@api.delete("/layouts/<layout_id>", responses={204: None})
def delete_layout(path: LayoutPath) -> Response:
    """Delete a layout

    409: templates name it.
    """
    layout = _own(path.layout_id)
    _refuse_while_named(layout, "It cannot be deleted")
    versions.delete(LAYOUTS, layout)
    return Response(status=204)


@api.get("/layouts/<layout_id>/versions", responses={200: LayoutVersionPage})
def list_layout_versions(path: LayoutPath, query: PageQuery) -> Response:
    """List a layout's versions, the latest first"""
    rows = versions.versions_of(LAYOUTS, _own(path.layout_id), query.cursor, query.limit + 1)
    return answer(LayoutVersionPage(**page(rows, query.limit, lambda row: row[0].number, shown_version)))


@api.get("/layouts/<layout_id>/versions/<number>", responses={200: LayoutVersionDetail})
def get_layout_version(path: LayoutVersionPath) -> Response:
    """Read a version of a layout"""
    version = _version(_own(path.layout_id), path.number)
    return answer(LayoutVersionDetail.model_validate(version))


@api.post("/layouts/<layout_id>/versions/<number>/restore", responses={200: LayoutDetail})
def restore_layout_version(path: LayoutVersionPath) -> Response:
    """Bring a version of a layout back

    As a new version with the same content.
    """
    layout = _own(path.layout_id)
    if _version(layout, path.number).kind != versions.version_of(LAYOUTS, layout).kind:
        _refuse_while_named(layout, "It cannot change its kind")
    return answer(_detail(versions.restore(LAYOUTS, layout, path.number)))


def shown_version(row: tuple[Any, list[str]]) -> VersionAnswer:
    """A row of `versions_of`."""
    version, changed = row
    return VersionAnswer(
        number=version.number,
        changed=changed,
        restored_from=version.restored_from,
        created_at=version.created_at,
    )


def _own(layout_id: int) -> Layout:
    layout: Layout | None = versions.find(LAYOUTS, team_id(), layout_id)
    if layout is None:
        raise not_found("layout")
    return layout


def _version(layout: Layout, number: int) -> LayoutVersion:
    version: LayoutVersion | None = versions.version_of(LAYOUTS, layout, number)
    if version is None:
        raise not_found("version")
    return version


def _detail(layout: Layout) -> LayoutDetail:
    latest = versions.version_of(LAYOUTS, layout)
    return LayoutDetail(**dict(LayoutAnswer.model_validate(layout)), kind=latest.kind, body=latest.body)


def _refuse_while_named(layout: Layout, what: str) -> None:
    named = [f"“{each.name}”" for each in templates.naming(layout)]
    if named:
        shown = ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
        raise conflict(f"{what}: templates name it ({shown}).", "in_use")
