"""A mail as an app writes it, laid out as MIME. What its author wrote stays as it is, links and pixel apart.

The copies for its recipients differ in their message id and, where it is followed, in their links; all else
is shared (`compiled` tells of chunks and values).
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from sidecars.mail import headers, quoted_printable
from sidecars.mail.addresses import bounce_address, envelope_address
from sidecars.mail.compiled import Composed, Origin, SharedMail
from sidecars.mail.followed_html import follow
from sidecars.names import HEADER_MESSAGE_ID

_MESSAGE_ID = 0
_HTML = 1
# `=_` never stands in quoted-printable, nor in base64; none of them begins another.
_MIXED, _RELATED, _ALTERNATIVE = "=_kibamail_m", "=_kibamail_r", "=_kibamail_a"
_BASE64_LINE = 57  # octets; 76 characters (RFC 2045 section 6.8)
# RFC 2231 section 7: what may stand in a parameter's value in its plain form.
_PLAIN_PARAMETER = re.compile(r"[A-Za-z0-9 !#$&+.^_`{}~()<>@,;:/\[\]?=-]{1,60}")
_LINE = 76


class Mailbox(msgspec.Struct, frozen=True, array_like=True):
    """An address, checked, and the name that stands before it."""

    address: str
    name: str = ""


class Attachment(msgspec.Struct, frozen=True, array_like=True):
    """A file. One with a `content_id` belongs to the HTML, which shows it as `cid:…`."""

    filename: str
    content_type: str
    content: bytes
    content_id: str | None = None


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """One mail to one recipient or more, each part as its readers shall see it: no merge field is left.

    `headers` are fields of its author's own, by name. Of `html` and `text` one is there at least.
    """

    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = ""
    html: str | None = None
    text: str | None = None
    headers: dict[str, str] = {}
    attachments: tuple[Attachment, ...] = ()
    opens: bool = False
    clicks: bool = False


class Following(NamedTuple):
    """Where links and pixel lead (base URL without a slash at its end), and the secret of their MACs."""

    url: str
    secret: str


class LetterMail(SharedMail):
    """A letter as the edge takes it: what all copies share, and `compose` for one recipient's values."""

    def __init__(
        self,
        letter: Letter,
        submission: UUID,
        origin: Origin,
        domain: str,
        following: Following,
        at: datetime,
    ) -> None:
        """`domain` is that of Message-ID; `at` the Date, with its time zone. Raises Unsendable."""
        self.origin = origin
        self.subject = headers.clean(letter.subject)
        self._letter = letter
        self._following = following
        self._is_followed = bool(letter.html) and (letter.opens or letter.clicks)
        parts = list(_whole(letter, submission, origin, domain, at, self._is_followed))
        shared, self._slots = _apart(parts)
        self.shared = tuple(shared)
        self._needs_smtputf8 = not self.shared[0].isascii()

    def compose(self, recipient: str, message_id: UUID, token: str) -> Composed:
        """One recipient's values. `token` is `make_token`'s for the message id. Raises Unsendable."""
        address, needs_smtputf8 = envelope_address(recipient)
        values = {_MESSAGE_ID: str(message_id).encode()}
        if self._is_followed:
            values[_HTML] = self._html(message_id, token)
        sender = bounce_address(token, self.origin.return_path_domain)
        in_order = tuple(values[slot] for slot in self._slots)
        return Composed(sender, address, in_order, needs_smtputf8 or self._needs_smtputf8)

    def _html(self, message_id: UUID, token: str) -> bytes:
        letter, (url, secret) = self._letter, self._following
        way_out = next((v for n, v in letter.headers.items() if n.lower() == "list-unsubscribe"), "")
        followed = follow(
            letter.html or "", url, secret, message_id, token, way_out, letter.opens, letter.clicks
        )
        return quoted_printable.encode(followed)


_Part = bytes | int


def _apart(parts: list[_Part]) -> tuple[list[bytes], list[int]]:
    """Chunks, and the numbers of the values between them."""
    chunks, slots = [bytearray()], list[int]()
    for part in parts:
        if isinstance(part, int):
            slots.append(part)
            chunks.append(bytearray())
        else:
            chunks[-1] += part
    return [bytes(chunk) for chunk in chunks], slots


def _whole(
    letter: Letter, submission: UUID, origin: Origin, domain: str, at: datetime, is_followed: bool
) -> Iterator[_Part]:
    yield _field("From", _mailboxes((letter.sender,), len("From: ")))
    yield _field("To", _mailboxes(letter.to, len("To: ")) or "undisclosed-recipients:;")
    if letter.cc:
        yield _field("Cc", _mailboxes(letter.cc, len("Cc: ")))
    if letter.reply_to:
        yield _field("Reply-To", _mailboxes(letter.reply_to, len("Reply-To: ")))
    yield _field("Subject", headers.unstructured(headers.clean(letter.subject), len("Subject: ")))
    yield _field("Date", headers.date(at).decode())
    yield _field("Message-ID", f"<{submission}@{domain}>")
    for name, value in letter.headers.items():
        yield _field(name, _value(headers.clean(value), len(name) + 2))
    yield _field("Feedback-ID", f"{origin.team_id}:{origin.stream}:kibamail")
    yield f"{HEADER_MESSAGE_ID}: ".encode()
    yield _MESSAGE_ID
    yield b"\r\nMIME-Version: 1.0\r\n"
    yield from _body(letter, is_followed)


def _body(letter: Letter, is_followed: bool) -> Iterator[_Part]:
    """From the outermost Content-Type to the mail's end (RFC 2046 section 5.1, RFC 2387)."""
    inline = [each for each in letter.attachments if each.content_id and letter.html]
    files = [each for each in letter.attachments if each not in inline]
    if not files:
        yield from _content(letter, inline, is_followed)
        return
    yield _multipart("mixed", _MIXED)
    yield _border(_MIXED)
    yield from _content(letter, inline, is_followed)
    for each in files:
        yield _border(_MIXED)
        yield _file(each)
    yield _end(_MIXED)


def _content(letter: Letter, inline: list[Attachment], is_followed: bool) -> Iterator[_Part]:
    if letter.html is None:
        yield from _text("plain", letter.text or "")
    elif letter.text is None:
        yield from _page(letter.html, inline, is_followed)
    else:
        yield _multipart("alternative", _ALTERNATIVE)
        yield _border(_ALTERNATIVE)
        yield from _text("plain", letter.text)
        yield _border(_ALTERNATIVE)
        yield from _page(letter.html, inline, is_followed)
        yield _end(_ALTERNATIVE)


def _page(html: str, inline: list[Attachment], is_followed: bool) -> Iterator[_Part]:
    if not inline:
        yield from _text("html", html, is_followed)
        return
    yield _multipart("related", _RELATED)
    yield _border(_RELATED)
    yield from _text("html", html, is_followed)
    for each in inline:
        yield _border(_RELATED)
        yield _file(each)
    yield _end(_RELATED)


def _text(subtype: str, text: str, is_own: bool = False) -> Iterator[_Part]:
    yield (
        f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()
    yield _HTML if is_own else quoted_printable.encode(text)
    yield b"\r\n"


def _file(attachment: Attachment) -> bytes:
    where = "inline" if attachment.content_id else "attachment"
    lines = [
        f"Content-Type: {attachment.content_type}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {where};{_parameter('filename', attachment.filename)}",
    ]
    if attachment.content_id:
        lines.append(f"Content-ID: <{attachment.content_id}>")
    return "\r\n".join([*lines, "", ""]).encode() + _base64(attachment.content)


def _base64(content: bytes) -> bytes:
    encoded = b64encode(content)
    width = _BASE64_LINE // 3 * 4
    lines = [encoded[start : start + width] for start in range(0, len(encoded), width)]
    return b"\r\n".join([*lines, b""])


def _parameter(name: str, value: str) -> str:
    """` name="value"`, on lines of its own in the form of RFC 2231 where it is long or not ASCII."""
    if _PLAIN_PARAMETER.fullmatch(value):
        return f'\r\n {name}="{value}"'
    octets = "".join(f"%{octet:02X}" for octet in value.encode("utf-8", "replace"))
    pieces = [octets[start : start + 48] for start in range(0, len(octets), 48)]
    first = f"\r\n {name}*0*=utf-8''{pieces[0]}"
    return ";".join([first, *(f"\r\n {name}*{n}*={piece}" for n, piece in enumerate(pieces[1:], 1))])


def _multipart(subtype: str, boundary: str) -> bytes:
    return f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode()


def _border(boundary: str) -> bytes:
    return f"--{boundary}\r\n".encode()


def _end(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode()


def _field(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode()


def _mailboxes(mailboxes: tuple[Mailbox, ...], name_length: int) -> str:
    """One a line."""
    written: list[str] = []
    for each in mailboxes:
        address, _ = envelope_address(each.address)
        written.append(headers.mailbox(each.name, address, 1 if written else name_length))
    return ",\r\n ".join(written)


def _value(text: str, name_length: int) -> str:
    """Of a field that may be structured: only text beyond ASCII is encoded; a word is never broken."""
    if not text.isascii():
        return headers.unstructured(text, name_length)
    lines = [""]
    for word in text.split(" "):
        room = _LINE - (name_length if len(lines) == 1 else 1)
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)
