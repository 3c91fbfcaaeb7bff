"""/v1/audiences and the tags in them."""

from typing import Annotated, Any

from flask import Response
from peewee import IntegrityError
from pydantic import AfterValidator, Field

from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, invalid, not_found
from sidecars.api.ids import AudienceId, SenderId, TagId
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
from sidecars.audiences import contacts, counting, properties, tags
from sidecars.mail.recipients import LANGUAGE_TAG
from sidecars.models import Audience, SenderIdentity, Tag

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


DoubleOptIn = Annotated[
    bool,
    Field(
        description="New contacts are `pending` till they confirm by the link of a mail, which comes from "
        "`confirmation_sender_id`. An import says for itself what its contacts are."
    ),
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
    double_opt_in: DoubleOptIn = False
    confirmation_sender_id: SenderId | None = None


class AudienceChange(Body):
    """What to change; what is left out stays."""

    model_config = example({"public_name": "Our letter", "description": "Every Friday.", "is_open": True})

    name: Name | None = None
    public_name: PublicName | None = None
    description: Description | None = None
    is_open: IsOpen | None = None
    locale: Locale | None = None
    double_opt_in: DoubleOptIn | None = None
    confirmation_sender_id: SenderId | None = None


class AudienceAnswer(Answer):
    """A list of people."""

    id: AudienceId
    name: str
    public_name: str
    description: str
    is_open: bool
    locale: str
    double_opt_in: bool
    confirmation_sender_id: SenderId | None
    contacts: dict[str, int] = Field(
        description="How many, by status. Of an audience of more than 20,000 up to a minute old.",
        json_schema_extra={"example": {"subscribed": 9870, "unsubscribed": 130}},
    )
    created_at: Timestamp


class AudiencePage(Answer):
    """Some audiences."""

    data: list[AudienceAnswer]
    next_cursor: str | None


class AudienceDetail(AudienceAnswer):
    """An audience with its contacts' properties."""

    properties: dict[str, str] = Field(
        description="Name → kind: text, number, date, boolean or list.",
        json_schema_extra={"example": {"city": "text"}},
    )


class TagPath(AudiencePath):
    """Which tag of which audience."""

    tag_id: TagId


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
    facts = body.model_dump()
    _check_confirmation(facts)
    try:
        audience = contacts.create_audience(team_id(), **facts)
    except contacts.AudienceExists as error:
        raise conflict(f"There is an audience named “{body.name}” already.", "exists") from error
    return answer(_detail(audience), 201)


@api.patch("/audiences/<audience_id>", responses={200: AudienceDetail})
def change_audience(path: AudiencePath, body: AudienceChange) -> Response:
    """Change an audience"""
    audience = own_audience(path.audience_id)
    facts = body.model_dump(exclude_none=True)
    _check_confirmation(_facts(audience) | facts)
    try:
        audience = contacts.change_audience(audience.id, **facts)
    except contacts.AudienceExists as error:
        raise conflict(f"There is an audience named “{body.name}” already.", "exists") from error
    return answer(_detail(audience))


@api.get("/audiences", responses={200: AudiencePage})
def list_audiences(query: PageQuery) -> Response:
    """List audiences"""
    rows = contacts.audiences(team_id(), query.cursor, query.limit + 1)
    counts = counting.counts([row.id for row in rows])

    def show(row: Audience) -> AudienceAnswer:
        return AudienceAnswer(**_facts(row), contacts=counts[row.id])

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
    return answer(TagAnswer(id=tag.id, name=tag.name, contacts=tags.bearers(tag.id)), 201 if is_new else 200)


@api.patch("/audiences/<audience_id>/tags/<tag_id>", responses={200: TagAnswer})
def rename_tag(path: TagPath, body: NewTag) -> Response:
    """Rename a tag

    Segments that name it go on looking for the old name.
    """
    tag = _own_tag(path)
    try:
        tag = tags.rename(tag.id, body.name)
    except IntegrityError as error:
        raise conflict(f"There is a tag named “{body.name}” already.", "exists") from error
    return answer(TagAnswer(id=tag.id, name=tag.name, contacts=tags.bearers(tag.id)))


@api.delete("/audiences/<audience_id>/tags/<tag_id>", responses={204: None})
def delete_tag(path: TagPath) -> tuple[str, int]:
    """Delete a tag

    Its contacts stay, without it.
    """
    tags.delete(_own_tag(path).id)
    return "", 204


def _own_tag(path: TagPath) -> Tag:
    tag = Tag.get_or_none(Tag.id == path.tag_id, Tag.audience == own_audience(path.audience_id))
    if tag is None:
        raise not_found("tag")
    return tag


def _detail(audience: Audience) -> AudienceDetail:
    return AudienceDetail(
        **_facts(audience),
        contacts=counting.counts([audience.id])[audience.id],
        properties=properties.declared(audience.id),
    )


def _facts(audience: Audience) -> dict[str, Any]:
    return {**audience.__data__, "confirmation_sender_id": audience.confirmation_sender_id}


def _check_confirmation(facts: dict[str, Any]) -> None:
    """422 where the audience as it would be could not ask anybody to confirm."""
    sender_id = facts["confirmation_sender_id"]
    if sender_id is not None:
        sender = SenderIdentity.get_or_none(SenderIdentity.id == sender_id, SenderIdentity.team == team_id())
        if sender is None:
            raise invalid("confirmation_sender_id", "there is no such sender")
    elif facts["double_opt_in"]:
        raise invalid("confirmation_sender_id", "double opt-in needs a sender for the mail that asks")
