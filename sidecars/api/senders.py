"""/v1/senders: the names and addresses that readers see as From."""

from typing import Annotated

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, invalid
from sidecars.api.ids import DomainId, SenderId
from sidecars.api.resource import resource
from sidecars.api.shapes import Address, Answer, Body, Line, PageQuery, Timestamp, answer, example, page
from sidecars.deliverability import senders
from sidecars.models import SenderIdentity

api = resource("Senders", "The names and addresses that readers see as From.", "domains")


class NewSender(Body):
    """A sender at one of the team's domains."""

    model_config = example({"name": "Acme News", "address": "hello@news.acme.example"})

    name: Annotated[Line, Field(max_length=120)]
    address: Address
    reply_to: Address | None = Field(None, description="Where answers go; null: to the address.")


class SenderAnswer(Answer):
    """What readers see as From."""

    id: SenderId
    domain_id: DomainId | None = Field(description="Null: the domain was removed; nothing can be sent.")
    name: str
    address: str
    reply_to: str | None
    created_at: Timestamp


class SenderPage(Answer):
    """Some senders."""

    data: list[SenderAnswer]
    next_cursor: str | None


@api.post("/senders", responses={201: SenderAnswer})
def create_sender(body: NewSender) -> Response:
    """Add a sender"""
    try:
        sender = senders.create(team_id(), body.name, body.address, body.reply_to)
    except senders.ForeignDomain as error:
        raise invalid("address", str(error)) from error
    except senders.SenderExists as error:
        raise conflict(f"There is a sender with the address {error} already.", "exists") from error
    return answer(SenderAnswer.model_validate(sender), 201)


@api.get("/senders", responses={200: SenderPage})
def list_senders(query: PageQuery) -> Response:
    """List senders"""
    found = (
        SenderIdentity.select()
        .where(SenderIdentity.team == team_id(), SenderIdentity.id > query.cursor)
        .order_by(SenderIdentity.id)
        .limit(query.limit + 1)
    )
    return answer(
        SenderPage(**page(list(found), query.limit, lambda row: row.id, SenderAnswer.model_validate))
    )
