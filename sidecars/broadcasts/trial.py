"""A mail looked at before it goes out: rendered for one reader, or sent to a few addresses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from sidecars.broadcasts.compose import compile_test, outgoing
from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.errors import NotPublishable
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.publish import prepare_variant, sender_problems
from sidecars.broadcasts.rehearsal.findings import Finding
from sidecars.broadcasts.rehearsal.shown import faults
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.edge import messages
from sidecars.edge.messages import Attribution
from sidecars.edge.submit import Result, Status, pool
from sidecars.mail import preview
from sidecars.mail.content import PreparedContent
from sidecars.mail.recipients import Recipient
from sidecars.models import Email, Send, SenderIdentity, Variant, database, now
from sidecars.usage import allowance, plans

SUBJECT_PREFIX = "[Test] "
_PLANNED = frozenset({SendState.PLANNED})


@dataclass(frozen=True)
class Rendered:
    """A mail as one reader would see it, the octets of its parts, and what would better be otherwise."""

    subject: str
    html: str
    text: str
    html_bytes: int
    text_bytes: int
    warnings: list[Finding]


@dataclass(frozen=True)
class Trial:
    """What became of one test mail. `status` is accepted, rejected, busy or suppressed."""

    address: str
    message_id: UUID | None
    status: str
    reply: str


def render(prepared: PreparedContent, reader: Recipient) -> Rendered:
    """The content for `reader`. Raises Unsendable."""
    subject, html, text = preview.render(prepared, reader)
    found = faults(prepared, subject, html, text)
    return Rendered(subject, html, text, len(html.encode()), len(text.encode()), found)


def send(
    sender: SenderIdentity,
    prepared: PreparedContent,
    addresses: Sequence[str],
    reader: Recipient,
    variant_id: int = 0,
    locale: str = "",
) -> list[Trial]:
    """Sends the content to each address at once, filled in for `reader`: not tracked, marked as a test.

    Suppressed addresses get nothing. Raises NotPublishable where the sender's domain is not verified, as
    anyone could claim a domain; OutOfCredits; Unsendable as `render`.
    """
    if problems := list(sender_problems(sender)):
        raise NotPublishable(problems)
    subject = SUBJECT_PREFIX + prepared.subject
    mail = compile_test(sender, replace(prepared, subject=subject), locale)
    suppressed = is_suppressed(sender.team_id, addresses, "transactional")
    planned = {
        address: replace_address(reader, address) for address in addresses if address not in suppressed
    }
    at = now()
    with database.atomic():  # where one cannot be composed, none is planned
        owners = _plan(sender, subject, variant_id, planned)
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


def prepared_of(variant: Variant) -> PreparedContent:
    """What publishing froze of a variant, or would freeze now. Raises ContentError for its author."""
    frozen = variant.content.prepared
    return PreparedContent(**frozen) if frozen else prepare_variant(variant)


def _plan(
    sender: SenderIdentity, subject: str, variant_id: int, planned: dict[str, Recipient]
) -> list[Attribution]:
    """A row of `emails` and one of the ledger for each; returns whose they are."""
    owners, at = [], now()
    limit = plans.credits_of(sender.team_id)
    allowance.take(sender.team_id, allowance.TRANSACTIONAL, len(planned), allowance.month_of(at), limit)
    for address, recipient in planned.items():
        email = Email.create(
            created_at=at,
            team=sender.team_id,
            message_id=recipient.message_id,
            source="test",
            from_address=sender.address,
            recipient=address,
            subject=subject[:998],
        )
        whose = Attribution(sender.team_id, 0, email.id, variant_id)
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
