"""/v1/audiences/{id}/segments and /v1/segments: filters over an audience, kept by name."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field, WithJsonSchema

from sidecars.api.audiences import AudiencePath, own_audience
from sidecars.api.auth import team_id
from sidecars.api.contacts import ContactAnswer, ContactPage, shown_contacts
from sidecars.api.errors import Refused, WrongStateMessage, conflict, not_found, problems
from sidecars.api.ids import AudienceId, BroadcastId, SegmentId
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, Line, PageQuery, Path, Timestamp, answer, example, page
from sidecars.audiences.segments import people, store
from sidecars.audiences.segments.language import Condition, FilterError, Known, read
from sidecars.audiences.segments.store import SegmentExists, SegmentInUse
from sidecars.audiences.segments.words import describe
from sidecars.broadcasts.errors import FieldProblem
from sidecars.models import Segment

api = resource("Segments", "Filters over an audience's contacts, for broadcasts to go to.", "audiences")

EXAMPLE_FILTER = {
    "all": [
        {"field": "email_domain", "op": "equals", "value": "mail.example"},
        {"not": {"engagement": "clicked", "days": 90}},
    ]
}
Name = Annotated[Line, Field(max_length=120)]
Filter = Annotated[
    dict[str, Any],
    Field(description="`all`, `any` and `not` around conditions; docs/segments.md has the language."),
    WithJsonSchema({"type": "object", "additionalProperties": True, "example": EXAMPLE_FILTER}),
]


class SegmentPath(Path):
    """Which segment."""

    segment_id: SegmentId


class NewSegment(Body):
    """A segment to keep."""

    model_config = example({"name": "Quiet readers", "filter": EXAMPLE_FILTER})

    name: Name
    filter: Filter


class SegmentChange(Body):
    """What to change; what is left out stays. Broadcasts that are published keep the people of then."""

    model_config = example({"name": "Readers at mail.example"})

    name: Name | None = None
    filter: Filter | None = None


class Preview(Body):
    """A filter to try."""

    model_config = example({"filter": EXAMPLE_FILTER, "limit": 10})

    filter: Filter
    limit: int = Field(10, ge=0, le=100, description="How many people to show.")


class SegmentAnswer(Answer):
    """A segment."""

    id: SegmentId
    audience_id: AudienceId
    name: str
    version: int = Field(description="Of the filter language.")
    filter: Filter
    description: str = Field(description="The filter in words; empty where it cannot be read any more.")
    created_at: Timestamp
    updated_at: Timestamp | None


class SegmentPage(Answer):
    """Some segments."""

    data: list[SegmentAnswer]
    next_cursor: str | None


class CountAnswer(Answer):
    """How many people a segment has."""

    contacts: int = Field(description="Of any status.")
    subscribed: int = Field(description="Those that broadcasts go to.")
    counted_at: Timestamp = Field(description="It may be some time ago where counting takes long.")


class SegmentPreview(Answer):
    """Whom a filter finds now."""

    description: str
    contacts: int = Field(description="How many, of any status.")
    subscribed: int = Field(description="How many that broadcasts go to.")
    people: list[ContactAnswer] = Field(description="The first of them.")


class UseAnswer(Answer):
    """A broadcast that needs a segment."""

    id: BroadcastId
    name: str
    state: str


class InUseMessage(WrongStateMessage):
    """What would go out to others if it were deleted; or there is one of this name."""

    used_by: list[UseAnswer]


@api.post("/audiences/<audience_id>/segments", responses={201: SegmentAnswer})
def create_segment(path: AudiencePath, body: NewSegment) -> Response:
    """Keep a segment"""
    audience = own_audience(path.audience_id)
    try:
        segment = store.create(audience, body.name, body.filter)
    except (FilterError, SegmentExists) as error:
        raise _refused(error) from error
    return answer(_shown(segment), 201)


@api.get("/audiences/<audience_id>/segments", responses={200: SegmentPage})
def list_segments(path: AudiencePath, query: PageQuery) -> Response:
    """List the segments of an audience"""
    audience = own_audience(path.audience_id)
    rows = store.page(audience.id, query.cursor, query.limit + 1)
    return answer(SegmentPage(**page(rows, query.limit, lambda row: row.id, _shown)))


@api.post("/audiences/<audience_id>/segments/preview", responses={200: SegmentPreview})
@needs("audiences:read")
def preview_segment(path: AudiencePath, body: Preview) -> Response:
    """Try a filter

    How many people it finds now, and the first of them. Who opened or clicked is as of a minute ago at most.
    """
    audience = own_audience(path.audience_id)
    known = store.known(audience)
    condition = _read(body.filter, known)
    counted = people.count(audience, condition)
    first = people.page(audience, condition, 0, body.limit) if body.limit else []
    return answer(
        SegmentPreview(
            description=describe(condition, known),
            contacts=counted.contacts,
            subscribed=counted.subscribed,
            people=shown_contacts(first),
        )
    )


@api.get("/segments/<segment_id>", responses={200: SegmentAnswer})
def get_segment(path: SegmentPath) -> Response:
    """Read a segment"""
    return answer(_shown(_own_segment(path.segment_id)))


@api.patch("/segments/<segment_id>", responses={200: SegmentAnswer})
def change_segment(path: SegmentPath, body: SegmentChange) -> Response:
    """Change a segment

    What is scheduled goes to the people of the new filter.
    """
    try:
        segment = store.change(_own_segment(path.segment_id), body.name, body.filter)
    except (FilterError, SegmentExists) as error:
        raise _refused(error) from error
    return answer(_shown(segment))


@api.delete("/segments/<segment_id>", responses={204: None, 409: InUseMessage})
def delete_segment(path: SegmentPath) -> Response:
    """Delete a segment

    409 with the broadcasts that would go out to others without it.
    """
    try:
        store.delete(_own_segment(path.segment_id))
    except SegmentInUse as error:
        raise _in_use(error) from error
    return Response(status=204)


@api.get("/segments/<segment_id>/count", responses={200: CountAnswer})
def count_segment(path: SegmentPath) -> Response:
    """Count its people

    A small segment is counted anew after ten seconds, one that takes long to count after a while.
    """
    segment = _own_segment(path.segment_id)
    try:
        counted = people.live_count(segment)
    except FilterError as error:
        raise _refused(error) from error
    return answer(
        CountAnswer(contacts=counted.contacts, subscribed=counted.subscribed, counted_at=counted.at)
    )


@api.get("/segments/<segment_id>/contacts", responses={200: ContactPage})
def list_segment_contacts(path: SegmentPath, query: PageQuery) -> Response:
    """List its people

    Of any status, in the order in which they came.
    """
    segment = _own_segment(path.segment_id)
    try:
        condition = store.condition_of(segment)
    except FilterError as error:
        raise _refused(error) from error
    rows = people.page(segment.audience, condition, query.cursor, query.limit + 1)
    by_id = {contact.id: contact for contact in shown_contacts(rows)}
    return answer(ContactPage(**page(rows, query.limit, lambda row: row.id, lambda row: by_id[row.id])))


def _own_segment(segment_id: int) -> Segment:
    segment = store.segment_of(team_id(), segment_id)
    if segment is None:
        raise not_found("segment")
    return segment


def _read(given: dict[str, Any], known: Known) -> Condition:
    try:
        return read(given, known)
    except FilterError as error:
        raise _refused(error) from error


def _refused(error: FilterError | SegmentExists) -> Refused:
    if isinstance(error, SegmentExists):
        return conflict(f"There is a segment named “{error}” already.", "exists")
    return Refused(422, problems([FieldProblem(each.place, each.message) for each in error.problems]))


def _in_use(error: SegmentInUse) -> Refused:
    used_by = [UseAnswer.model_validate(each) for each in error.broadcasts]
    named = ", ".join(f"“{use.name}” ({use.state})" for use in used_by)
    message = f"Broadcasts need this segment: {named}. Change or cancel them first."
    return Refused(409, InUseMessage(message=message, state="in_use", used_by=used_by))


def _shown(segment: Segment) -> SegmentAnswer:
    try:
        description = describe(store.condition_of(segment), store.known(segment.audience))
    except FilterError:
        description = ""
    return SegmentAnswer(**segment.__data__ | {"audience_id": segment.audience_id}, description=description)
