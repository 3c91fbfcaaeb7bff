"""/v1/erasures: people who want to be forgotten."""

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Address, Answer, Body, answer, example
from sidecars.deliverability import erasures

api = resource("Erasures", "People who want to be forgotten.", "audiences")


class NewErasure(Body):
    """Whom to forget."""

    model_config = example({"email": "someone@mail.example"})

    email: Address


class ErasureAnswer(Answer):
    """What held the address."""

    contacts: int = Field(description="Contacts that were deleted.")
    mails: int = Field(description="Mails of no broadcast whose recipient and subject were emptied.")


@api.post("/erasures", responses={200: ErasureAnswer})
@needs("audiences:erase")
def create_erasure(body: NewErasure) -> Response:
    """Forget a person

    The address is removed everywhere and never mailed again, also when it is added anew: a keyed hash of it
    stays. The numbers of reports stay as they are. May be done again.
    """
    return answer(ErasureAnswer.model_validate(erasures.erase(team_id(), body.email)))
