"""A broadcast on trial: every check that a provider would make, before anyone gets it."""

from flask import Response
from pydantic import Field

from sidecars.api.broadcasts import BroadcastPath, own_broadcast
from sidecars.api.ids import ContactId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, OptionalBody, answer, example
from sidecars.api.trials import reader_of
from sidecars.broadcasts.rehearsal.checks import Outcome, rehearse
from sidecars.broadcasts.rehearsal.findings import Status

api = resource("Rehearsals", "Every check that a provider would make, before anyone gets it.", "broadcasts")

PROVIDERS_SHOWN = 50


class Rehearsing(OptionalBody):
    """For whom the mails are composed."""

    model_config = example({"contact_id": "con_1"}, required=False)

    contact_id: ContactId | None = Field(
        None, description="A contact of the broadcast's audience; null: the first who would get it."
    )


class RehearsalCheck(Answer):
    """What one check says; a check may say several things."""

    check: str
    status: Status = Field(description="skipped: it could not be looked at; the message says why.")
    message: str
    fix: str = Field(description="What to do; empty where there is nothing.")
    where: str = Field(description="A link, a field as in a 422, a domain; empty: the whole broadcast.")


class Summary(Answer):
    """How many of the checks' sentences are what."""

    passed: int
    warnings: int
    failures: int
    skipped: int


class RehearsalRecipients(Answer):
    """Who would get it, and who not, as planning will decide."""

    total: int
    by_provider: dict[str, int] = Field(
        description=f"The {PROVIDERS_SHOWN} largest, then `others`; `no server`: mail to them bounces; "
        "`not looked up`: domains beyond the 500 largest, or DNS did not answer."
    )
    left_out: dict[str, int] = Field(
        description="By reason: a contact's status, `not_in_segment`, or the reason of a suppression."
    )


class DurationAnswer(Answer):
    """How long it would take, if the lanes had nothing else to do."""

    seconds: float | None = Field(description="Null: nobody can tell; `limited_by` says why.")
    limited_by: str


class RehearsalAnswer(Answer):
    """All of a rehearsal."""

    summary: Summary
    checks: list[RehearsalCheck]
    recipients: RehearsalRecipients
    duration: DurationAnswer


@api.post("/broadcasts/<broadcast_id>/rehearsal", responses={200: RehearsalAnswer})
def rehearse_broadcast(path: BroadcastPath, body: Rehearsing) -> Response:
    """Rehearse it

    Nothing is sent. Takes seconds, with slow links up to a minute. 409 once it is on its way.
    """
    broadcast = own_broadcast(path.broadcast_id)
    reader = reader_of(broadcast, body.contact_id) if body.contact_id is not None else None
    return answer(as_answer(rehearse(broadcast, reader)))


def as_answer(outcome: Outcome) -> RehearsalAnswer:
    """What the API says, and `./kiba rehearse --json` too."""
    return RehearsalAnswer(
        summary=Summary(
            passed=outcome.number(Status.PASSED),
            warnings=outcome.number(Status.WARNING),
            failures=outcome.number(Status.FAILURE),
            skipped=outcome.number(Status.SKIPPED),
        ),
        checks=[RehearsalCheck.model_validate(finding) for finding in outcome.findings],
        recipients=RehearsalRecipients(
            total=outcome.recipients.total,
            by_provider=outcome.recipients.largest(PROVIDERS_SHOWN),
            left_out=outcome.recipients.left_out,
        ),
        duration=DurationAnswer.model_validate(outcome.duration),
    )
