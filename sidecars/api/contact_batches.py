"""/v1/audiences/{id}/contacts/batch and tags of contacts: many people at a time."""

from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from sidecars.api.audiences import AudiencePath, own_audience
from sidecars.api.contacts import (
    ContactAnswer,
    ContactPath,
    NewContact,
    TagName,
    facts_of,
    own_contact,
    proof,
    shown_contacts,
)
from sidecars.api.errors import FieldError, errors_of
from sidecars.api.ids import ContactId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Body, answer, example
from sidecars.audiences import contacts, tags
from sidecars.audiences.contacts import Outcome, PropertyMismatch
from sidecars.models import Contact
from sidecars.usage.limits import OverPlan

api = resource("Contacts in batches", "Many people at a time.", "audiences")

MOST = 1000


def _each_for_itself(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """The list as it came: what is wrong with one contact does not keep out the others."""
    if isinstance(value, list) and 1 <= len(value) <= MOST:
        return value
    return handler(value)


class ContactBatch(Body):
    """Contacts to add, or to change where their address is there already."""

    model_config = example(
        {
            "contacts": [
                {"email": "ada@mail.example", "first_name": "Ada", "tags": ["vip"]},
                {"email": "bob@mail.example", "properties": {"city": "London"}},
            ]
        }
    )

    contacts: Annotated[
        list[NewContact],
        Field(min_length=1, max_length=MOST),
        WrapValidator(_each_for_itself),
    ]


class BatchLine(Answer):
    """What became of one of the contacts; `index` is its place in the list, from 0."""

    index: int
    outcome: Literal["created", "updated", "refused"]
    id: ContactId | None
    errors: list[FieldError]


class ContactBatchAnswer(Answer):
    """What became of each."""

    created: int
    updated: int
    refused: int
    data: list[BatchLine]


class TagChange(Body):
    """Tags to put on and to take off; a tag in both is on afterwards."""

    model_config = example({"add": ["vip"], "remove": ["new"]})

    add: list[TagName] = Field(default_factory=list, max_length=50)
    remove: list[TagName] = Field(default_factory=list, max_length=50)


class BulkTagChange(TagChange):
    """The same for many contacts."""

    model_config = example({"contacts": ["con_12", "con_13"], "add": ["vip"]})

    contacts: list[ContactId] = Field(min_length=1, max_length=MOST)


class BulkTagAnswer(Answer):
    """How many tags were put on and taken off, and contacts that the audience does not have."""

    added: int
    removed: int
    unknown: list[ContactId]


@api.post("/audiences/<audience_id>/contacts/batch", responses={200: ContactBatchAnswer})
def upsert_contacts(path: AudiencePath, body: ContactBatch) -> Response:
    """Add or change up to 1,000 contacts

    Each is taken or refused for itself, as when it was added alone; `data` tells, in the order of the list.
    An address that comes twice is one contact, and the later word holds.
    """
    audience = own_audience(path.audience_id)
    lines: list[BatchLine | None] = []
    taken: list[NewContact] = []
    for index, given in enumerate(body.contacts):
        try:
            taken.append(NewContact.model_validate(given))
            lines.append(None)
        except ValidationError as error:
            lines.append(BatchLine(index=index, outcome="refused", id=None, errors=errors_of(error)))
    people = [(one.email, facts_of(one)) for one in taken]
    outcomes = iter(contacts.upsert_all(audience.id, people, proof()))
    told = [line or _line(index, next(outcomes)) for index, line in enumerate(lines)]
    numbers = {
        outcome: sum(line.outcome == outcome for line in told)
        for outcome in ("created", "updated", "refused")
    }
    return answer(ContactBatchAnswer(**numbers, data=told))


@api.post("/audiences/<audience_id>/contacts/tags", responses={200: BulkTagAnswer})
def tag_contacts(path: AudiencePath, body: BulkTagChange) -> Response:
    """Tag or untag up to 1,000 contacts"""
    audience = own_audience(path.audience_id)
    rows = Contact.select(Contact.id).where(Contact.audience == audience.id, Contact.id.in_(body.contacts))
    known = {row.id for row in rows}
    ids = sorted(known)
    added, removed = tags.change_tags(
        audience.id, dict.fromkeys(body.add, ids), dict.fromkeys(body.remove, ids)
    )
    unknown = [id_ for id_ in body.contacts if id_ not in known]
    return answer(BulkTagAnswer(added=added, removed=removed, unknown=unknown))


@api.post("/contacts/<contact_id>/tags", responses={200: ContactAnswer})
def tag_contact(path: ContactPath, body: TagChange) -> Response:
    """Tag or untag a contact

    Its other tags stay.
    """
    contact = own_contact(path.contact_id)
    ids = [contact.id]
    tags.change_tags(contact.audience_id, dict.fromkeys(body.add, ids), dict.fromkeys(body.remove, ids))
    return answer(shown_contacts([contact])[0])


def _line(index: int, outcome: Outcome) -> BatchLine:
    error = outcome.error
    if error is not None:
        field = error.limit if isinstance(error, OverPlan) else "email"
        field = f"properties.{error.name}" if isinstance(error, PropertyMismatch) else field
        told = [FieldError(field=field, message=str(error))]
        return BatchLine(index=index, outcome="refused", id=None, errors=told)
    id_ = outcome.contact.id if outcome.contact else None
    return BatchLine(index=index, outcome="created" if outcome.is_new else "updated", id=id_, errors=[])
