"""/v1/audiences/{id}/properties: what the contacts of an audience have beside names and tags."""

from typing import Annotated, Literal

from flask import Response
from pydantic import AfterValidator, Field

from sidecars.api.audiences import AudiencePath, own_audience
from sidecars.api.errors import conflict, not_found
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Body, Query, Timestamp, answer, example
from sidecars.audiences import property_changes
from sidecars.audiences.properties import MAX_NAME, property_name
from sidecars.audiences.property_changes import PropertyExists
from sidecars.models import PropertyDefinition

api = resource("Properties", "What the contacts of an audience have beside names and tags.", "audiences")

Kind = Literal["text", "number", "date", "boolean", "list"]


def _word(name: str) -> str:
    if not name or name != property_name(name):
        raise ValueError("must be a word of small letters, digits and _")
    return name


Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_word)]


class PropertyPath(AudiencePath):
    """Which property of which audience."""

    property_name: str


class DeletionQuery(Query):
    """Try it first?"""

    dry_run: bool = Field(False, description="Answer how many contacts would lose it, and do nothing.")


class NewProperty(Body):
    """A property to declare."""

    model_config = example({"name": "birthday", "kind": "date"})

    name: Name
    kind: Kind


class PropertyChange(Body):
    """Its new name."""

    model_config = example({"name": "town"})

    name: Name


class PropertyAnswer(Answer):
    """A property that contacts may have."""

    name: str
    kind: Kind
    created_at: Timestamp


class PropertyList(Answer):
    """All properties of an audience."""

    data: list[PropertyAnswer]


class DeletionAnswer(Answer):
    """How many contacts lose the property; `deleted` is false where it was only tried."""

    name: str
    contacts: int
    deleted: bool


@api.get("/audiences/<audience_id>/properties", responses={200: PropertyList})
def list_properties(path: AudiencePath) -> Response:
    """List the properties of an audience"""
    rows = property_changes.definitions(own_audience(path.audience_id).id)
    return answer(PropertyList(data=[PropertyAnswer.model_validate(row) for row in rows]))


@api.post("/audiences/<audience_id>/properties", responses={200: PropertyAnswer, 201: PropertyAnswer})
def create_property(path: AudiencePath, body: NewProperty) -> Response:
    """Declare a property

    Contacts and imports declare what they bring by themselves; this is for a kind that their first value
    would not show, such as a date. 200 where it is there already.
    """
    audience = own_audience(path.audience_id)
    try:
        found, is_new = property_changes.define(audience.id, body.name, body.kind)
    except PropertyExists as error:
        raise conflict(f"“{body.name}” is there already, as a {error}.", "exists") from error
    return answer(PropertyAnswer.model_validate(found), 201 if is_new else 200)


@api.patch("/audiences/<audience_id>/properties/<property_name>", responses={200: PropertyAnswer})
def rename_property(path: PropertyPath, body: PropertyChange) -> Response:
    """Rename a property

    The contacts' values go along. Templates and segments that name it do not.
    """
    row = _own_property(path)
    if body.name == row.name:
        return answer(PropertyAnswer.model_validate(row))
    try:
        renamed = property_changes.rename(row.audience_id, row.name, body.name)
    except PropertyExists as error:
        raise conflict(f"“{body.name}” is there already, as a {error}.", "exists") from error
    return answer(PropertyAnswer.model_validate(renamed))


@api.delete("/audiences/<audience_id>/properties/<property_name>", responses={200: DeletionAnswer})
def delete_property(path: PropertyPath, query: DeletionQuery) -> Response:
    """Delete a property, with the contacts' values

    `dry_run=true` tells how many contacts would lose it.
    """
    row = _own_property(path)
    change = property_changes.bearers if query.dry_run else property_changes.forget
    number = change(row.audience_id, row.name)
    return answer(DeletionAnswer(name=row.name, contacts=number, deleted=not query.dry_run))


def _own_property(path: PropertyPath) -> PropertyDefinition:
    row = property_changes.definition(own_audience(path.audience_id).id, path.property_name)
    if row is None:
        raise not_found("property")
    return row
