"""/v1/audiences/{id}/contacts and /v1/contacts: people, one at a time."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import AfterValidator, Field, WithJsonSchema

from sidecars.api.audiences import AudiencePath, own_audience
from sidecars.api.auth import actor, team_id
from sidecars.api.errors import invalid, not_found
from sidecars.api.ids import AudienceId, ContactId
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Address,
    Answer,
    Body,
    KeyedPageQuery,
    Line,
    Moment,
    OptionalLine,
    Path,
    Timestamp,
    answer,
    cursor_of,
    example,
)
from sidecars.audiences import contacts, history, listing, tags
from sidecars.audiences.contacts import ContactFacts, PropertyMismatch
from sidecars.audiences.history import Proof
from sidecars.audiences.listing import Wanted
from sidecars.audiences.properties import PropertyError, fitted, kind_of
from sidecars.models import Contact

api = resource("Contacts", "The people in an audience.", "audiences")

Name = Annotated[OptionalLine, Field(max_length=120)]
TagName = Annotated[Line, Field(max_length=64)]
Status = Literal["subscribed", "unsubscribed", "pending"]
Sort = Literal["created", "-created", "updated", "-updated", "email", "-email"]


def _ip(text: str) -> str:
    if text:
        ip_address(text)  # a ValueError says what is wrong
    return text


def _property_value(value: Any) -> Any:
    return value if value is None else fitted(kind_of(value), value)


PropertyValue = Annotated[
    Any,
    AfterValidator(_property_value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "number"},
                {"type": "boolean"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "null"},
            ]
        }
    ),
]
Properties = Annotated[
    dict[str, PropertyValue],
    Field(
        description="Values by name. A name that the audience has not seen is declared by its value's kind; "
        "null takes a property away."
    ),
]


class ContactPath(Path):
    """Which contact."""

    contact_id: ContactId


class ContactQuery(KeyedPageQuery):
    """Which contacts, and in which order. All that is said must hold.

    A page may have fewer than `limit`, or none, before the last one: `next_cursor` tells.
    """

    search: Annotated[OptionalLine, Field(max_length=254)] = Field(
        "",
        description="The beginning of an address, a first or a last name, or of both names. Addresses come "
        "first, then names.",
    )
    email: Address | None = Field(None, description="The one with this address.")
    status: Status | None = None
    tag: TagName | None = None
    property: list[str] = Field(
        default_factory=list,
        max_length=10,
        description="`city:London`, or `city` for any value; of a list, one of its words. Said twice: both.",
        json_schema_extra={"example": ["city:London"]},
    )
    created_from: Moment | None = None
    created_before: Moment | None = None
    updated_from: Moment | None = None
    updated_before: Moment | None = None
    sort: Sort | None = Field(
        None, description="`created` where left out, with `-` the other way round. Not with `search`."
    )


class Consent(Body):
    """How the person agreed, where the app that asks knows it. Kept with the change of status."""

    ip: Annotated[str, AfterValidator(_ip)] = Field("", max_length=45, description="The person's address.")
    user_agent: Annotated[OptionalLine, Field(max_length=500)] = ""
    text: str = Field("", max_length=1000, description="What they read when they agreed.")


class ContactChange(Body):
    """What to change; what is left out stays."""

    model_config = example({"first_name": "Ada", "properties": {"city": "London", "age": None}})

    first_name: Name | None = None
    last_name: Name | None = None
    properties: Properties = Field(default_factory=dict)
    tags: list[TagName] | None = Field(None, description="Exactly these, once set.")
    status: Status | None = None
    consent: Consent | None = Field(None, description="The proof of `status`.")


class NewContact(ContactChange):
    """A contact to add, or to change where the address is there already."""

    model_config = example(
        {
            "email": "ada@mail.example",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "properties": {"city": "London", "visits": 3},
            "tags": ["vip"],
            "consent": {"ip": "192.0.2.7", "text": "Send me the letter, every Friday."},
        }
    )

    email: Address
    status: Status | None = Field(
        None,
        description="Where left out `subscribed`, or `pending` where the audience has double opt-in. Who "
        "unsubscribed stays so: PATCH the contact for that; with double opt-in `pending` asks them again.",
    )


class ContactAnswer(Answer):
    """A person in an audience."""

    id: ContactId
    audience_id: AudienceId
    email: str
    first_name: str
    last_name: str
    properties: dict[str, Any]
    tags: list[str]
    status: Status
    subscribed_at: Timestamp | None
    unsubscribed_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


class ContactPage(Answer):
    """Some contacts."""

    data: list[ContactAnswer]
    next_cursor: str | None


@api.post("/audiences/<audience_id>/contacts", responses={200: ContactAnswer, 201: ContactAnswer})
def upsert_contact(path: AudiencePath, body: NewContact) -> Response:
    """Add a contact, or change the one with that address

    201 for a new one, 200 for one that was there.
    """
    audience = own_audience(path.audience_id)
    try:
        contact, is_new = contacts.upsert(audience.id, body.email, facts_of(body), proof())
    except PropertyMismatch as error:
        raise invalid(f"properties.{error.name}", str(error)) from error
    return answer(shown_contacts([contact])[0], 201 if is_new else 200)


@api.get("/audiences/<audience_id>/contacts", responses={200: ContactPage})
def list_contacts(path: AudiencePath, query: ContactQuery) -> Response:
    """List the contacts of an audience

    How many there are by status is told by the audience.
    """
    audience = own_audience(path.audience_id)
    if query.search and query.sort:
        raise invalid("sort", "a search has an order of its own; leave one of both out")
    sort = listing.BY_RELEVANCE if query.search else query.sort or "created"
    try:
        rows, after = listing.page(audience.id, _wanted(query), sort, query.cursor, query.limit)
    except listing.UnknownProperty as error:
        raise invalid("property", f"the audience has no property “{error}”") from error
    except PropertyError as error:
        raise invalid("property", str(error)) from error
    except listing.NotTheCursor as error:
        raise invalid("cursor", "must be `next_cursor` of this list, in this order") from error
    return answer(ContactPage(data=shown_contacts(rows), next_cursor=cursor_of(*after) if after else None))


@api.get("/contacts/<contact_id>", responses={200: ContactAnswer})
def get_contact(path: ContactPath) -> Response:
    """Read a contact

    By the id of one that was merged, that which it is part of now.
    """
    return answer(shown_contacts([own_contact(path.contact_id)])[0])


@api.patch("/contacts/<contact_id>", responses={200: ContactAnswer})
def change_contact(path: ContactPath, body: ContactChange) -> Response:
    """Change a contact"""
    contact = own_contact(path.contact_id)
    try:
        contact = contacts.update(contact.id, facts_of(body), proof())
    except PropertyMismatch as error:
        raise invalid(f"properties.{error.name}", str(error)) from error
    return answer(shown_contacts([contact])[0])


@api.delete("/contacts/<contact_id>", responses={204: None})
def delete_contact(path: ContactPath) -> tuple[str, int]:
    """Delete a contact

    Also that it unsubscribed is forgotten: who is added again is subscribed. An erasure keeps an address from
    ever being mailed; unsubscribing or a suppression keeps who wanted no more mail.
    """
    contacts.delete(own_contact(path.contact_id).id)
    return "", 204


def own_contact(contact_id: int) -> Contact:
    """The contact. Answers 404 where it is not the team's."""
    contact = contacts.contact_of(team_id(), contact_id)
    if contact is None:
        raise not_found("contact")
    return contact


def reference() -> str:
    """Who asks, as it is kept: a key or a person."""
    asks = actor()
    return f"user_{asks.user.id}" if asks.user else f"key_{asks.key_id}"


def proof() -> Proof:
    """Of what an app says of its own accord."""
    return Proof(history.API, reference())


def facts_of(body: ContactChange) -> ContactFacts:
    """What a body says of a contact."""
    facts = body.model_dump(include=set(ContactChange.model_fields) - {"consent"})
    agreed = body.consent
    consent = Proof(history.FORM, reference(), agreed.ip, agreed.user_agent, agreed.text) if agreed else None
    return ContactFacts(**facts, consent=consent)


def _wanted(query: ContactQuery) -> Wanted:
    pairs = [text.partition(":") for text in query.property]
    named = query.model_dump(exclude={"cursor", "limit", "sort", "property"})
    return Wanted(**named, properties=[(name, value) for name, _, value in pairs])


def shown_contacts(rows: Sequence[Contact]) -> list[ContactAnswer]:
    """Contacts as the API shows them, with their tags."""
    borne = tags.of_contacts(row.id for row in rows)
    return [
        ContactAnswer(**row.__data__ | {"audience_id": row.audience_id, "tags": borne.get(row.id, [])})
        for row in rows
    ]
