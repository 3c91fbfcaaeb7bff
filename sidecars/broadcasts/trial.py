"""A broadcast looked at before it goes out: rendered for one reader, or sent to a few addresses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from sidecars.broadcasts.compose import compile_variant, outgoing
from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.errors import NotPublishable
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.publish import prepare_variant, sender_problems
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.edge import messages
from sidecars.edge.messages import Attribution
from sidecars.edge.submit import Result, Status, pool
from sidecars.mail import preview
from sidecars.mail.content import PreparedContent
from sidecars.mail.recipients import Recipient
from sidecars.models import Email, Send, Variant, database, now

SUBJECT_PREFIX = "[Test] "
_PLANNED = frozenset({SendState.PLANNED})


@dataclass(frozen=True)
class Rendered:
    """A mail as one reader would see it."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Trial:
    """What became of one test mail. `status` is accepted, rejected, busy or suppressed."""

    address: str
    message_id: UUID | None
    status: str
    reply: str


def render(variant: Variant, reader: Recipient) -> Rendered:
    """The variant for `reader`. Raises ContentError for its author, Unsendable for this reader."""
    return Rendered(*preview.render(_prepared(variant), reader))


def send(variant: Variant, addresses: Sequence[str], reader: Recipient) -> list[Trial]:
    """Sends the variant to each address at once, filled in for `reader`: not tracked, marked as a test.

    Suppressed addresses get nothing. Raises NotPublishable where the sender's domain is not verified, as
    anyone could claim a domain; ContentError and Unsendable as `render`.
    """
    if problems := list(sender_problems(variant.broadcast)):
        raise NotPublishable(problems)
    prepared = _prepared(variant)
    mail = compile_variant(
        variant, replace(prepared, subject=SUBJECT_PREFIX + prepared.subject), is_test=True
    )
    team_id = variant.broadcast.team_id
    suppressed = is_suppressed(team_id, addresses, "transactional")
    planned = {
        address: replace_address(reader, address) for address in addresses if address not in suppressed
    }
    at = now()
    with database.atomic():  # where one cannot be composed, none is planned
        owners = _plan(variant, planned)
        mails = [
            outgoing(mail, recipient, whose, at)
            for recipient, whose in zip(planned.values(), owners, strict=True)
        ]
    messages.remember((mail.message_id, mail.whose) for mail in mails)
    results = pool().submit(mails)
    for whose, result in zip(owners, results, strict=True):
        _write_down(whose.contact_id, result)
    answers = dict(zip(planned, results, strict=True))
    return [
        Trial(address, planned[address].message_id, answers[address].status.value, answers[address].text)
        if address in answers
        else Trial(address, None, "suppressed", suppressed[address])
        for address in addresses
    ]


def replace_address(reader: Recipient, address: str) -> Recipient:
    """The same reader under another address, with a message id of their own."""
    return reader._replace(email=address, message_id=uuid4())


def _prepared(variant: Variant) -> PreparedContent:
    """What publishing froze, or would freeze now."""
    frozen = variant.content.prepared
    return PreparedContent(**frozen) if frozen else prepare_variant(variant)


def _plan(variant: Variant, planned: dict[str, Recipient]) -> list[Attribution]:
    """A row of `emails` and one of the ledger for each; returns whose they are."""
    broadcast = variant.broadcast
    owners = []
    for address, recipient in planned.items():
        email = Email.create(
            team=broadcast.team_id,
            message_id=recipient.message_id,
            source="test",
            from_address=broadcast.sender.address,
            recipient=address,
            subject=(SUBJECT_PREFIX + variant.content.subject)[:998],
        )
        whose = Attribution(broadcast.team_id, 0, email.id, variant.id)
        Send.create(**whose._asdict(), message_id=recipient.message_id, state=SendState.PLANNED)
        owners.append(whose)
    return owners


def _write_down(email_id: int, result: Result) -> None:
    """A test is tried once: an edge that is busy rejects it too, for good."""
    if result.status in (Status.ACCEPTED, Status.DUPLICATE):
        move_sends(0, [email_id], _PLANNED, SendState.ACCEPTED, edge=edge_id(result.edge))
    else:
        reason = Reason.EDGE_BUSY if result.status is Status.BUSY else Reason.REFUSED_BY_EDGE
        move_sends(0, [email_id], _PLANNED, SendState.REJECTED, reason)
