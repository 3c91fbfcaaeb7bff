"""Looking at a broadcast before it goes out: preview, test mails, validation."""

from typing import Annotated
from uuid import UUID

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.broadcasts import BroadcastPath, own_broadcast
from sidecars.api.contacts import PropertyValue
from sidecars.api.errors import FieldError, invalid
from sidecars.api.ids import ContactId, MessageId
from sidecars.api.resource import resource
from sidecars.api.shapes import Address, Answer, Body, OptionalBody, answer, example
from sidecars.audiences.contacts import contact_of
from sidecars.broadcasts import drafts, publish, trial
from sidecars.mail.recipients import Recipient
from sidecars.models import Broadcast, Contact, Variant

api = resource("Trials", "Looking at a broadcast before it goes out.", "broadcasts")

NOBODY = UUID(int=0)


class Sample(Body):
    """A made-up reader."""

    email: Address = "ada@mail.example"
    first_name: str = "Ada"
    last_name: str = "Lovelace"
    properties: dict[str, PropertyValue] = Field(default_factory=dict)


class Reading(OptionalBody):
    """Who reads it, and which variant."""

    model_config = example(
        {"sample": {"first_name": "Ada", "properties": {"city": "London"}}}, required=False
    )

    contact_id: ContactId | None = Field(None, description="A contact of the broadcast's audience.")
    sample: Sample | None = Field(None, description="A made-up reader, where there is no `contact_id`.")
    variant: int = Field(0, ge=0, description="Which variant, from 0.")


class Remark(Answer):
    """What would better be otherwise, and what to do."""

    message: str
    fix: str
    where: str = Field(description="A part of the mail, a merge field or a picture; empty: the whole.")


class PreviewOfMail(Answer):
    """The mail as that reader would see it. Nothing in it is tracked."""

    subject: str
    html: str
    text: str
    html_bytes: int = Field(description="Gmail clips at about 102,000.")
    text_bytes: int
    warnings: list[Remark]


class Addressees(Reading):
    """Where to send a test to."""

    model_config = example({"addresses": ["me@acme.example"]})

    addresses: Annotated[list[Address], Field(min_length=1, max_length=5)]


class TrialAnswer(Answer):
    """What became of one test mail."""

    address: str
    message_id: MessageId | None = Field(description="Ask /v1/messages/{message_id} what became of it.")
    status: str = Field(description="accepted, rejected, busy or suppressed.")
    reply: str = Field(description="What the edge said.")


class TrialList(Answer):
    """One answer an address."""

    data: list[TrialAnswer]


class Validation(Answer):
    """Whether it could go out now, and what is in the way."""

    valid: bool
    errors: list[FieldError]


@api.post("/broadcasts/<broadcast_id>/preview", responses={200: PreviewOfMail})
def preview_broadcast(path: BroadcastPath, body: Reading) -> Response:
    """See it as a reader would

    For a contact, or for a made-up reader.
    """
    broadcast = own_broadcast(path.broadcast_id)
    prepared = trial.prepared_of(_variant(broadcast, body.variant))
    return answer(PreviewOfMail.model_validate(trial.render(prepared, _reader(broadcast, body))))


@api.post("/broadcasts/<broadcast_id>/test-send", responses={200: TrialList})
def test_send_broadcast(path: BroadcastPath, body: Addressees) -> Response:
    """Send it to up to five addresses

    Marked as a test in the subject, not tracked, and no part of the broadcast's figures.
    """
    broadcast = own_broadcast(path.broadcast_id)
    addresses = list(dict.fromkeys(body.addresses))
    variant = _variant(broadcast, body.variant)
    trials = trial.send(
        variant.author,
        trial.prepared_of(variant),
        addresses,
        _reader(broadcast, body),
        variant.id,
        broadcast.audience.locale,
    )
    return answer(TrialList(data=[TrialAnswer.model_validate(each) for each in trials]))


@api.post("/broadcasts/<broadcast_id>/validate", responses={200: Validation})
def validate_broadcast(path: BroadcastPath) -> Response:
    """Ask what is still missing

    200 also where something is; publishing answers the same as 422.
    """
    problems = publish.validate(own_broadcast(path.broadcast_id).id)
    errors = [FieldError(field=problem.field, message=problem.message) for problem in problems]
    return answer(Validation(valid=not errors, errors=errors))


def _variant(broadcast: Broadcast, index: int) -> Variant:
    variants = drafts.variants_of(broadcast.id)
    if index >= len(variants):
        raise invalid("variant", f"This broadcast has {len(variants)} variants, counted from 0.")
    return variants[index]


def _reader(broadcast: Broadcast, body: Reading) -> Recipient:
    if body.contact_id is None:
        return made_up(body.sample)
    return reader_of(broadcast, body.contact_id)


def made_up(sample: Sample | None) -> Recipient:
    """The sample as a reader; without one somebody called Ada."""
    return Recipient(NOBODY, 0, **(sample or Sample()).model_dump())


def reader_of(broadcast: Broadcast, contact_id: int) -> Recipient:
    """The contact as a reader, with no message id yet. Answers 422 where the audience has no such contact."""
    contact = contact_of(team_id(), contact_id)
    if contact is None or contact.audience_id != broadcast.audience_id:
        raise invalid("contact_id", "There is no such contact in the broadcast's audience.")
    return as_reader(contact)


def as_reader(contact: Contact) -> Recipient:
    """A contact to render for."""
    return Recipient(
        NOBODY,
        contact.id,
        email=contact.email,
        first_name=contact.first_name,
        last_name=contact.last_name,
        properties=contact.properties,
    )
