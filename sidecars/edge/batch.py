"""Writes batch documents (docs/batch-format.md): many mails for the edge, what they share written once.

Pure. Whether a mail keeps to the format's rules is for the edge to judge, which refuses it by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

import orjson

from sidecars import names
from sidecars.edge.messages import Attribution
from sidecars.mail.compiled import Composed, SharedMail

VERSION = 1
_CRLF = b"\r\n"


class Said(NamedTuple):
    """What an app said of a mail, for its events."""

    tag: str
    metadata: Mapping[str, str]


class Outgoing(NamedTuple):
    """One recipient's mail: its place in the ledger, and the values to put between the chunks of `mail`."""

    message_id: UUID
    whose: Attribution
    mail: SharedMail
    composed: Composed
    said: Said | None = None


class Batch(NamedTuple):
    """A document, and how many mails it holds."""

    size: int
    document: bytes


def batches(mails: Sequence[Outgoing], most_bytes: int) -> Iterator[Batch]:
    """The mails in their order, of one origin, in documents of `most_bytes` at most.

    A mail that is larger by itself has a document of its own, for the edge to refuse.
    """
    if not mails:
        return
    whole = document(uuid4(), mails)
    if len(whole) <= most_bytes or len(mails) == 1:
        yield Batch(len(mails), whole)
    else:
        half = len(mails) // 2
        yield from batches(mails[:half], most_bytes)
        yield from batches(mails[half:], most_bytes)


def document(batch_id: UUID, mails: Sequence[Outgoing]) -> bytes:
    """One document for one or more mails. Raises ValueError where they are not all of one origin."""
    templates = {mail: number for number, mail in enumerate(dict.fromkeys(mail.mail for mail in mails))}
    origin, *others = {template.origin for template in templates}
    if others:
        raise ValueError("Mails of several origins need a batch each.")
    head = {
        "v": VERSION,
        "id": str(batch_id),
        **origin._asdict(),
        "signed": False,
        "templates": [
            {"subject": template.subject, "chunks": [len(chunk) for chunk in template.shared]}
            for template in templates
        ],
        "mails": len(mails),
    }
    parts = [orjson.dumps(head), _CRLF]
    for template in templates:
        parts += template.shared
    parts.append(_CRLF)
    for mail in mails:
        parts += (_line(mail, templates[mail.mail]), _CRLF, *mail.composed.values, _CRLF)
    return b"".join(parts)


def _line(mail: Outgoing, template: int) -> bytes:
    sender, recipient, values, needs_smtputf8, subject = mail.composed
    return orjson.dumps(
        (
            str(mail.message_id),
            *_contact_and_claim(mail),
            template,
            sender,
            recipient,
            int(needs_smtputf8),
            subject,
            [len(value) for value in values],
            *([{"tag": mail.said.tag or None, "metadata": mail.said.metadata}] if mail.said else []),
        )
    )


def _contact_and_claim(mail: Outgoing) -> tuple[int, str]:
    _, broadcast_id, contact_id, _ = mail.whose
    if broadcast_id:
        return contact_id, names.broadcast_claim_key(broadcast_id, contact_id)
    return 0, names.email_claim_key(mail.message_id)
