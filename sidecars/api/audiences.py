"""/v1/audiences and the tags in them."""

from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field

from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, not_found
from sidecars.api.ids import AudienceId, TagId
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Answer,
    Body,
    Line,
    OptionalLine,
    PageQuery,
    Path,
    Timestamp,
    answer,
    example,
    page,
)
from sidecars.audiences import contacts, properties, tags
from sidecars.mail.recipients import LANGUAGE_TAG
from sidecars.models import Audience

api = resource("Audiences", "Lists of people that a team may write to.", "audiences")


def _language_tag(text: str) -> str:
    if text and not LANGUAGE_TAG.fullmatch(text):
        raise ValueError("must be a language such as “de” or “pt-BR”, or empty")
    return text.replace("_", "-")


Name = Annotated[Line, Field(max_length=120)]
PublicName = Annotated[
    OptionalLine, Field(max_length=120, description="What its readers see; empty: they see `name`.")
]
Description = Annotated[
    OptionalLine, Field(max_length=500, description="What its readers see beside the name.")
]
IsOpen = Annotated[
    bool, Field(description="Whether the preference page shows it to people who are not on it, who may join.")
]
Locale = Annotated[
    OptionalLine,
    Field(max_length=35, description="Of its unsubscribe pages, as BCP 47 says it; empty: the browser's."),
    AfterValidator(_language_tag),
]


class AudiencePath(Path):
    """Which audience."""

    audience_id: AudienceId


class NewAudience(Body):
    """An audience to make."""

    model_config = example({"name": "Readers", "public_name": "Our letter", "locale": "en"})

    name: Name
    public_name: PublicName = ""
    description: Description = ""
    is_open: IsOpen = False
    locale: Locale = ""


class AudienceChange(Body):
    """What to change; what is left out stays."""

    model_config = example({"public_name": "Our letter", "description": "Every Friday.", "is_open": True})

    name: Name | None = None
    public_name: PublicName | None = None
    description: Description | None = None
    is_open: IsOpen | None = None
    locale: Locale | None = None


class AudienceAnswer(Answer):
    """A list of people."""

    id: AudienceId
    name: str
    public_name: str
    description: str
    is_open: bool
    locale: str
    contacts: dict[str, int] = Field(
        description="How many, by status.",
        json_schema_extra={"example": {"subscribed": 9870, "unsubscribed": 130}},
    )
    created_at: Timestamp


class AudiencePage(Answer):
    """Some audiences."""

    data: list[AudienceAnswer]
    next_cursor: int | None


class AudienceDetail(AudienceAnswer):
    """An audience with its contacts' properties."""

    properties: dict[str, str] = Field(
        description="Name → kind: text, number, date, boolean or list.",
        json_schema_extra={"example": {"city": "text"}},
    )


class NewTag(Body):
    """A tag to make."""

    model_config = example({"name": "vip"})

    name: Annotated[Line, Field(max_length=64)]


class TagAnswer(Answer):
    """A tag, and how many contacts bear it."""

    id: TagId
    name: str
    contacts: int


class TagList(Answer):
    """All tags of an audience."""

    data: list[TagAnswer]


def own_audience(audience_id: int) -> Audience:
    """The audience. Answers 404 where it is not the team's."""
    audience = contacts.audience_of(team_id(), audience_id)
    if audience is None:
        raise not_found("audience")
    return audience


@api.post("/audiences", responses={201: AudienceDetail})
def create_audience(body: NewAudience) -> Response:
    """Make an audience"""
    try:
        audience = contacts.create_audience(team_id(), **body.model_dump())
    except contacts.AudienceExists as error:
        raise conflict(f"There is an audience named “{body.name}” already.", "exists") from error
    return answer(_detail(audience), 201)


@api.patch("/audiences/<audience_id>", responses={200: AudienceDetail})
def change_audience(path: AudiencePath, body: AudienceChange) -> Response:
    """Change an audience"""
    audience = own_audience(path.audience_id)
    try:
        audience = contacts.change_audience(audience.id, **body.model_dump(exclude_none=True))
    except contacts.AudienceExists as error:
        raise conflict(f"There is an audience named “{body.name}” already.", "exists") from error
    return answer(_detail(audience))


@api.get("/audiences", responses={200: AudiencePage})
def list_audiences(query: PageQuery) -> Response:
    """List audiences"""
    rows = contacts.audiences(team_id(), query.cursor, query.limit + 1)
    counts = contacts.counts([row.id for row in rows])

    def show(row: Audience) -> AudienceAnswer:
        return AudienceAnswer(**row.__data__, contacts=counts[row.id])

    return answer(AudiencePage(**page(rows, query.limit, lambda row: row.id, show)))


@api.get("/audiences/<audience_id>", responses={200: AudienceDetail})
def get_audience(path: AudiencePath) -> Response:
    """Read an audience"""
    return answer(_detail(own_audience(path.audience_id)))


@api.get("/audiences/<audience_id>/tags", responses={200: TagList})
def list_tags(path: AudiencePath) -> Response:
    """List the tags of an audience"""
    audience = own_audience(path.audience_id)
    rows = tags.counted(audience.id)
    return answer(
        TagList(data=[TagAnswer(id=tag.id, name=tag.name, contacts=number) for tag, number in rows])
    )


@api.post("/audiences/<audience_id>/tags", responses={200: TagAnswer, 201: TagAnswer})
def create_tag(path: AudiencePath, body: NewTag) -> Response:
    """Make a tag

    200 where the audience has it already.
    """
    audience = own_audience(path.audience_id)
    tag, is_new = tags.create(audience.id, body.name)
    bearers = next(number for other, number in tags.counted(audience.id) if other.id == tag.id)
    return answer(TagAnswer(id=tag.id, name=tag.name, contacts=bearers), 201 if is_new else 200)


def _detail(audience: Audience) -> AudienceDetail:
    return AudienceDetail(
        **audience.__data__,
        contacts=contacts.counts([audience.id])[audience.id],
        properties=properties.declared(audience.id),
    )
