"""What the families of the corpus write their mails with."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.header import Header

SENDER = "b-token@kb.news.example"
FIRST = ("ann", "bob", "chloe", "dimitri", "emre", "fatima", "goran", "hana", "ivo", "jun", "kofi", "lena")
LAST = (
    "abel",
    "berg",
    "costa",
    "diaz",
    "endo",
    "fischer",
    "garcia",
    "horvat",
    "ito",
    "jansen",
    "kaya",
    "lind",
)


@dataclass(frozen=True)
class Mail:
    """A mail, the server that writes such, and what it is: the kind of failure by recipient, where it is one.

    `what` is bounce, delay, complaint, auto_reply, challenge_response or other; the kind of a recipient whom
    the notice does not explain is `hard`.
    """

    server: str
    name: str
    raw: bytes
    what: str
    failed: Mapping[str, str] = field(default_factory=dict)
    message_id: str | None = None


@dataclass(frozen=True)
class Failure:
    """A refusal in a server's words."""

    name: str
    kind: str
    status: str
    reply: str


FAILURES = (
    Failure("unknown user", "hard", "5.1.1", "550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table"),
    Failure("disabled", "hard", "5.2.1", "550 5.2.1 <{to}>: This mailbox has been disabled"),
    Failure("full", "mailbox_full", "5.2.2", "552 5.2.2 <{to}>: The mailbox of this user is over quota"),
    Failure("listed", "block", "5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using bl.lists.example"),
    Failure("dmarc", "policy", "5.7.26", "550 5.7.26 Unauthenticated mail from news.example is not accepted due to the domain's DMARC policy"),
    Failure("spam", "content", "5.7.1", "550 5.7.1 The content of this message looks like spam"),
    Failure("no domain", "dns", "5.1.2", "550 5.1.2 Host unknown: the domain name was not found"),
    Failure("gave up", "soft", "4.4.1", "451 4.4.1 connect to mx.{domain}[198.51.100.7]:25: Connection timed out"),
)  # fmt: skip


class Names:
    """People and ids of one family, the same at each run."""

    def __init__(self, family: str) -> None:
        self._random = random.Random(family)
        self._number = 0

    def address(self, domain: str = "people.example") -> str:
        """A recipient whom no other mail of the family has."""
        self._number += 1
        first, last = self._random.choice(FIRST), self._random.choice(LAST)
        return f"{first}.{last}{self._number}@{domain}"

    def message_id(self) -> str:
        """The Message-ID of a mail that we sent."""
        return f"<{self._random.getrandbits(96):024x}@news.example>"

    def queue_id(self) -> str:
        """What servers call a mail in their queue."""
        return f"{self._random.getrandbits(40):010X}"


def original(
    to: str, message_id: str, *, own_id: str = "", body: str = "Spring is here, and so are we."
) -> str:
    """A mail of ours, as servers return it."""
    own = f"X-Kibamail-Message-ID: {own_id}\n" if own_id else ""
    return (
        f"Received: from smtp.news.example (smtp.news.example [192.0.2.25])\n\tby mx.people.example with ESMTPS id 4X\n\t"
        f"for <{to}>; Tue, 3 Mar 2026 09:00:01 +0000\n"
        f"From: News <news@news.example>\nTo: <{to}>\nSubject: Spring letter\nDate: Tue, 3 Mar 2026 09:00:00 +0000\n"
        f"Message-ID: {message_id}\n{own}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    )


def plain(headers: str, body: str, *, charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    """A mail of one part. `headers` end without a blank line; MIME fields are added for a charset."""
    kind = f"MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n"
    return wire(f"{headers}\n{kind if charset else ''}\n{body}", charset or "utf-8")


def wire(text: str, charset: str = "utf-8") -> bytes:
    """As it travels: lines end in CRLF."""
    return text.replace("\n", "\r\n").encode(charset)


def headers(sender: str, subject: str, *more: str, to: str = SENDER) -> str:
    """The usual header fields of a notice."""
    written = subject if subject.isascii() else Header(subject, "utf-8", maxlinelen=200).encode()
    return "\n".join(
        [
            "Return-Path: <>",
            f"From: {sender}",
            f"To: {to}",
            f"Subject: {written}",
            "Date: Tue, 3 Mar 2026 09:05:00 +0000",
            *more,
        ]
    )


def multipart(
    head: str,
    parts: Iterable[tuple[str, str]],
    *,
    kind: str = "report; report-type=delivery-status",
    boundary: str = "=_b1",
) -> bytes:
    """A mail of parts, each with its own header fields and its text."""
    inner = "".join(f"--{boundary}\n{fields}\n\n{text}\n" for fields, text in parts)
    return wire(
        f'{head}\nMIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary="{boundary}"\n\n{inner}--{boundary}--\n'
    )


def report(
    head: str,
    notice: str,
    fields: str,
    returned: str,
    *,
    reporting: str = "Reporting-MTA: dns; mx.people.example",
    returned_type: str = "message/rfc822",
    notice_type: str = "text/plain; charset=utf-8",
) -> bytes:
    """A DSN (RFC 3464): words, fields, and the returned mail."""
    parts = [
        (f"Content-Type: {notice_type}", notice),
        ("Content-Type: message/delivery-status", f"{reporting}\n\n{fields}\n"),
    ]
    if returned:
        parts.append((f"Content-Type: {returned_type}", returned))
    return multipart(head, parts)


def headers_of(returned: str) -> str:
    """A returned mail without its body."""
    return returned.partition("\n\n")[0] + "\n"


@dataclass(frozen=True)
class Form:
    """A notice in a server's own form: `{to}`, `{why}` and `{original}` (or `{headers}`) stand in its text.

    `whys` are the name, the kind and the words of each situation.
    """

    server: str
    sender: str
    subject: str
    text: str
    whys: tuple[tuple[str, str, str], ...]
    more: tuple[str, ...] = ()
    charset: str = "utf-8"
    domain: str = "people.example"

    def mails(self) -> Iterable[Mail]:
        """A mail of each situation."""
        names = Names(self.server)
        for name, kind, why in self.whys:
            to, message_id = names.address(self.domain), names.message_id()
            returned = original(to, message_id)
            known = {
                "to": to,
                "local": to.partition("@")[0],
                "original": returned,
                "headers": headers_of(returned),
            }
            head = headers(
                self.sender, self.subject.format(**known), *(field.format(**known) for field in self.more)
            )
            text = self.text.format(why=why.format(**known), **known)
            returns = "{original}" in self.text or "{headers}" in self.text
            raw = plain(
                head, text, charset=self.charset, encoding="7bit" if self.charset == "iso-2022-jp" else "8bit"
            )
            yield Mail(self.server, name, raw, "bounce", {to: kind}, message_id if returns else None)


UNKNOWN = ("unknown user", "hard", "550 5.1.1 <{to}>... User unknown")
FULL = ("full", "mailbox_full", "552 5.2.2 <{to}>... Mailbox full")
LISTED = ("listed", "block", "554 5.7.1 Your address 192.0.2.25 is listed at bl.lists.example")
SPAM = ("spam", "content", "550 5.7.1 This message was classified as spam")
NO_DOMAIN = ("no domain", "dns", "550 5.1.2 Host unknown (Name server: people.example: host not found)")
GAVE_UP = ("gave up", "soft", "451 4.4.1 Connection timed out with people.example")
USUAL = (UNKNOWN, FULL, LISTED, GAVE_UP)
