"""/v1/audiences/{id}/contacts and /v1/contacts: people, one at a time."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import AfterValidator, Field, WithJsonSchema

from sidecars.api.audiences import AudiencePath, own_audience
from sidecars.api.auth import team_id
from sidecars.api.errors import invalid, not_found
from sidecars.api.ids import AudienceId, ContactId
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Address,
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
from sidecars.audiences import contacts, tags
from sidecars.audiences.contacts import ContactFacts, PropertyMismatch
from sidecars.audiences.properties import fitted, kind_of
from sidecars.models import Contact

api = resource("Contacts", "The people in an audience.", "audiences")

Name = Annotated[OptionalLine, Field(max_length=120)]
TagName = Annotated[Line, Field(max_length=64)]
Status = Literal["subscribed", "unsubscribed", "pending"]


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


class ContactQuery(PageQuery):
    """Which contacts."""

    email: Address | None = Field(None, description="The one with this address.")


class ContactChange(Body):
    """What to change; what is left out stays."""

    model_config = example({"first_name": "Ada", "properties": {"city": "London", "age": None}})

    first_name: Name | None = None
    last_name: Name | None = None
    properties: Properties = Field(default_factory=dict)
    tags: list[TagName] | None = Field(None, description="Exactly these, once set.")
    status: Status | None = None


class NewContact(ContactChange):
    """A contact to add, or to change where the address is there already."""

    model_config = example(
        {
            "email": "ada@mail.example",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "properties": {"city": "London", "visits": 3},
            "tags": ["vip"],
        }
    )

    email: Address
    status: Status | None = Field(
        None,
        description="`subscribed` where left out. Who unsubscribed stays so: PATCH the contact for that.",
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
        contact, is_new = contacts.upsert(audience.id, body.email, _facts(body))
    except PropertyMismatch as error:
        raise invalid(f"properties.{error.name}", str(error)) from error
    return answer(shown_contacts([contact])[0], 201 if is_new else 200)


@api.get("/audiences/<audience_id>/contacts", responses={200: ContactPage})
def list_contacts(path: AudiencePath, query: ContactQuery) -> Response:
    """List the contacts of an audience"""
    audience = own_audience(path.audience_id)
    rows = contacts.page(audience.id, query.cursor, query.limit + 1, query.email)
    shown = {contact.id: contact for contact in shown_contacts(rows)}
    return answer(ContactPage(**page(rows, query.limit, lambda row: row.id, lambda row: shown[row.id])))


@api.get("/contacts/<contact_id>", responses={200: ContactAnswer})
def get_contact(path: ContactPath) -> Response:
    """Read a contact"""
    return answer(shown_contacts([_own_contact(path.contact_id)])[0])


@api.patch("/contacts/<contact_id>", responses={200: ContactAnswer})
def change_contact(path: ContactPath, body: ContactChange) -> Response:
    """Change a contact"""
    contact = _own_contact(path.contact_id)
    try:
        contact = contacts.update(contact.id, _facts(body))
    except PropertyMismatch as error:
        raise invalid(f"properties.{error.name}", str(error)) from error
    return answer(shown_contacts([contact])[0])


def _own_contact(contact_id: int) -> Contact:
    contact = contacts.contact_of(team_id(), contact_id)
    if contact is None:
        raise not_found("contact")
    return contact


def _facts(body: ContactChange) -> ContactFacts:
    return ContactFacts(**body.model_dump(include=set(ContactChange.model_fields)))


def shown_contacts(rows: Sequence[Contact]) -> list[ContactAnswer]:
    """Contacts as the API shows them, with their tags."""
    borne = tags.of_contacts(row.id for row in rows)
    return [
        ContactAnswer(**row.__data__ | {"audience_id": row.audience_id, "tags": borne.get(row.id, [])})
        for row in rows
    ]
