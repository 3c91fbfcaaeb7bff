"""Broadcasts compiled: the chunks that all mails share, and for each recipient the values between them.

A mail is `shared[0] values[0] shared[1] … values[n-1] shared[n]`. All encoding is done here, so whoever
holds both can put mails together by concatenation alone, and no value can end its line, its header,
its part or its mail.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from liquid.exceptions import LiquidError

from sidecars.mail import headers
from sidecars.mail.addresses import bounce_address, envelope_address
from sidecars.mail.content import PreparedContent
from sidecars.mail.document import Tracking, html_template, with_page_urls
from sidecars.mail.errors import Unsendable
from sidecars.mail.layout import Layout
from sidecars.mail.quoted_printable import BOUNDARY
from sidecars.mail.recipients import Recipient, contact_fields, language_of
from sidecars.mail.templating import NOW, PAGE, TOKEN, parse
from sidecars.mail.tokens import TOKEN_LENGTH
from sidecars.mail.values import Merge, Piece, pieces
from sidecars.names import (
    HEADER_BROADCAST_ID,
    HEADER_CONTACT_ID,
    HEADER_MESSAGE_ID,
    PATH_UNSUBSCRIBE,
    UNSUBSCRIBE_PREFIX,
)

__all__ = ["CompiledMail", "Composed", "Recipient", "Sender", "Tracking", "Unsendable", "compile_mail"]

# Numbers of the values that every mail has, in the order in which `compose` makes them.
_DATE, _TO, _MESSAGE_ID, _CONTACT_ID, _TOKEN, _PAGE, _SUBJECT = range(7)

_NOT_IN_LABELS = re.compile(r"[^A-Za-z0-9-]+")
# The last field of Feedback-ID, of 5 to 15 characters, names the sending system to Gmail's Postmaster Tools.
_FEEDBACK_SENDER = "kibamail"


class Sender(NamedTuple):
    """Whom readers see in From, and where their answers go (None: to `address`)."""

    name: str
    address: str
    reply_to: str | None = None


class Composed(NamedTuple):
    """One recipient's mail: its envelope, and the values that go between the shared chunks.

    `needs_smtputf8`: the recipient's local part is not ASCII, so each server on the way has to offer
    SMTPUTF8 (RFC 6531). `subject` is None where all mails have the same, which `CompiledMail.subject` is.
    """

    envelope_sender: str
    recipient: str
    values: tuple[bytes, ...]
    needs_smtputf8: bool = False
    subject: str | None = None


class Origin(NamedTuple):
    """Where a broadcast's mails come from, alike for all of them and all its variants.

    `broadcast_id` is 0 for mails of none, `stream` broadcast or transactional, `domain` that of the
    author's address (A-labels), whose key signs.
    """

    team_id: int
    broadcast_id: int
    stream: str
    domain: str
    return_path_domain: str


class SharedMail:
    """What copies of a mail have in common. `shared` has one chunk more than a copy has values.

    `subject` is the decoded text of all copies' subject, None where each has its own.
    """

    origin: Origin
    shared: tuple[bytes, ...]
    subject: str | None

    def assemble(self, values: Sequence[bytes]) -> bytes:
        """The whole mail, its lines ended by CR LF, as it goes into DATA: no line begins with a dot."""
        parts = [b""] * (2 * len(self.shared) - 1)
        parts[0::2] = self.shared
        parts[1::2] = values
        return b"".join(parts)


class CompiledMail(SharedMail):
    """One variant of a broadcast, from `compile_mail`."""

    def __init__(
        self, layout: Layout, subject: list[Piece], known: dict[str, Any], origin: Origin, locale: str
    ) -> None:
        self.origin = origin
        self._locale = locale
        self.subject = known["broadcast"].get("subject")
        self.shared = tuple(bytes(chunk) for chunk in layout.chunks)
        self._raws = tuple(layout.raws)
        self._values = tuple(layout.values)
        self._in_order = itemgetter(*layout.slots)
        self._own_subject = None if _is_shared(subject) else subject
        self._known = known

    def compose(self, recipient: Recipient, token: str, at: datetime) -> Composed:
        """The values of one recipient's mail, dated `at` (with its time zone).

        `token` is `make_token`'s for the recipient's message id. Raises Unsendable, with the reason,
        where the address is none or a value cannot be rendered; others of the slice are not concerned.
        """
        if len(token) != TOKEN_LENGTH or not token.isalnum():
            raise ValueError("The token must be one of make_token's.")
        address, needs_smtputf8 = envelope_address(recipient.email)
        language = language_of(recipient) or self._locale
        page = f"{token}.{language}" if language else token
        fields = {"contact": contact_fields(recipient), TOKEN: token, PAGE: page, NOW: at, **self._known}
        merge = Merge(fields)
        try:
            subject = self._subject(merge) if self._own_subject else None
            values = [
                headers.date(at),
                headers.mailbox(recipient.display_name, address, len("To: ")).encode("utf-8"),
                str(recipient.message_id).encode("ascii"),
                b"%d" % recipient.contact_id,
                token.encode("ascii"),
                page.encode("ascii"),
                headers.unstructured(subject, len("Subject: ")).encode("ascii") if subject else b"",
            ]
            raws = [raw(merge) for raw in self._raws]
            values += [value.octets(raws[value.number]) for value in self._values]
        except (LiquidError, ArithmeticError, ValueError) as error:
            raise Unsendable(f"Liquid: {getattr(error, 'message', error)}.") from error
        envelope_sender = bounce_address(token, self.origin.return_path_domain)
        return Composed(envelope_sender, address, self._in_order(values), needs_smtputf8, subject)

    def _subject(self, merge: Merge) -> str:
        texts = [piece if isinstance(piece, str) else piece.text(merge) for piece in self._own_subject or ()]
        subject = headers.clean("".join(texts))
        merge.fields["broadcast"] = {**self._known["broadcast"], "subject": subject}
        return subject


def _is_shared(subject: list[Piece]) -> bool:
    return all(isinstance(piece, str) for piece in subject)


def compile_mail(
    prepared: PreparedContent,
    sender: Sender,
    stream: str,
    broadcast_id: int | None,
    list_id: int | str | None,
    tracking: Tracking,
    return_path_domain: str,
    unsubscribe: bool,
    message_id_domain: str,
    team_id: int,
    locale: str = "",
) -> CompiledMail:
    """Everything about one variant of a broadcast that is the same for all its recipients, done once.

    `stream` is `broadcast` or `transactional`. `list_id` is a label for List-Id, below
    `message_id_domain`. `unsubscribe` adds the List-Unsubscribe fields of RFC 8058. `locale` is the
    language (BCP 47) of the pages that its links lead to, for whom no other is known; empty: the browser's.

    There is no Precedence: RFC 2076 calls it discouraged, and what reads it (autoresponders) goes by
    List-Id and List-Unsubscribe too (RFC 3834 §2).
    """
    known: dict[str, Any] = {
        "sender": {"name": sender.name, "address": sender.address},
        "broadcast": {"id": broadcast_id},
    }
    subject = pieces(parse(prepared.subject, "subject"), known)
    author, _ = envelope_address(sender.address)
    layout = Layout(fixed=_SUBJECT + 1)
    layout.header("From", headers.mailbox(sender.name, author, len("From: ")))
    layout.header("To", _TO)
    if _is_shared(subject):
        text = headers.clean("".join(str(piece) for piece in subject))
        known["broadcast"]["subject"] = text
        layout.header("Subject", headers.unstructured(text, len("Subject: ")))
    else:
        layout.header("Subject", _SUBJECT)
    layout.header("Date", _DATE)
    layout.header("Message-ID", "<", _MESSAGE_ID, f"@{message_id_domain}>")
    if sender.reply_to:
        layout.header("Reply-To", envelope_address(sender.reply_to)[0])
    if list_id is not None:
        layout.header("List-Id", f"<{_label(list_id)}.{message_id_domain}>")
    if unsubscribe:
        page = f"<{tracking.url}{PATH_UNSUBSCRIBE}/"
        mail = f"@{return_path_domain}?subject=unsubscribe>"
        layout.header("List-Unsubscribe", page, _PAGE, f">,\r\n <mailto:{UNSUBSCRIBE_PREFIX}", _TOKEN, mail)
        layout.header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    layout.header("Feedback-ID", _feedback_id(broadcast_id, team_id, stream))
    layout.header(HEADER_MESSAGE_ID, _MESSAGE_ID)
    if broadcast_id is not None:
        layout.header(HEADER_BROADCAST_ID, str(broadcast_id))
        layout.header(HEADER_CONTACT_ID, _CONTACT_ID)
    layout.header("MIME-Version", "1.0")
    layout.header("Content-Type", f'multipart/alternative;\r\n boundary="{BOUNDARY}"')
    layout.raw("\r\n")

    # A subject of the recipient's own is known only when the mail is composed.
    fixed = known if _is_shared(subject) else {"sender": known["sender"]}
    text_template = with_page_urls(prepared.text, tracking.url)
    html = html_template(prepared.html, prepared.preheader, tracking)
    for subtype, field, template in (("plain", "text", text_template), ("html", "body", html)):
        layout.raw(f"--{BOUNDARY}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n")
        layout.raw("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
        layout.body(pieces(parse(template, field), fixed), {TOKEN: _TOKEN, PAGE: _PAGE})
        layout.raw("\r\n")
    layout.raw(f"--{BOUNDARY}--\r\n")
    domain = author.rpartition("@")[2].lower()
    origin = Origin(team_id, broadcast_id or 0, stream, domain, return_path_domain)
    return CompiledMail(layout, subject, known, origin, locale)


def _label(list_id: int | str) -> str:
    return _NOT_IN_LABELS.sub("-", str(list_id)).strip("-") or "list"


def _feedback_id(broadcast_id: int | None, team_id: int, stream: str) -> str:
    """Up to three names to tell complaints apart by, then the sender's (Google's Feedback-ID)."""
    names = (broadcast_id, team_id, stream)
    return ":".join([*(_label(name) for name in names if name is not None), _FEEDBACK_SENDER])
