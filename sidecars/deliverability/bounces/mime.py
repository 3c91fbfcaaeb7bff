"""A mail by anyone, taken apart within bounds of time and memory.

The standard library's parser reads whatever comes, but what it costs grows with the square of a header's
length and with the depth of nesting. So a mail is cut to bounds that no report exceeds before it is parsed.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from html import unescape

MAX_BYTES = 1 << 20
MAX_LINES = 20_000
MAX_LINE = 2_000
MAX_FIELD = 8_192
MAX_CONTAINERS = 32
MAX_PARTS = 200
MAX_BLOCKS = 2_000
MAX_TEXT = 65_536

_FIELD = re.compile(rb"[!-9;-~]{1,76}:")
# A hundred times the same: for such, patterns cost the square of their length.
_BLANK_LINES = re.compile(r"\n(?:[ \t\r]*\n){4,}")
_RUN = re.compile(r"(.)\1{99,}", re.DOTALL)
_CONTAINER = re.compile(rb"[ \t]*content-type[ \t]*:[ \t\r\n]*(multipart|message)/", re.IGNORECASE)
# Codecs of Python that are no charset of a mail, and dear.
_NO_CHARSET = re.compile(r"punycode|idna|escape|undefined", re.IGNORECASE)
_RETURNED = frozenset(
    {
        "message/rfc822",
        "message/global",
        "message/partial",
        "text/rfc822-headers",
        "text/rfc822-header",
        "message/rfc822-headers",
        "message/global-headers",
    }
)


def parse(raw: bytes) -> Message:
    """The mail, cut to the bounds above."""
    return message_from_bytes(bounded(raw))


def bounded(raw: bytes, max_bytes: int = MAX_BYTES, max_line: int = MAX_LINE) -> bytes:
    """The beginning of a mail, without what makes it dear to parse."""
    kept: list[bytes] = []
    containers = field_left = 0
    for line in raw[:max_bytes].lstrip(b"\r\n\xef\xbb\xbf").split(b"\n", MAX_LINES)[:MAX_LINES]:
        if len(line) > max_line:
            line = line[:max_line]
        if _FIELD.match(line):
            field_left = MAX_FIELD
            containers += _CONTAINER.match(line) is not None
            if containers > MAX_CONTAINERS:
                break
        elif line[:1] in (b" ", b"\t") and field_left:
            # Folded lines of a field, or what looks like them.
            field_left -= len(line) + 1
            if field_left <= 0:
                field_left = 1
                continue
        else:
            field_left = 0
        kept.append(line)
    return b"\n".join(kept)


def field(message: Message, name: str) -> str:
    """A header's text on one line; empty where it is missing, as it stands where it cannot be decoded."""
    lowered = name.lower()
    for key, value in message.raw_items():
        if key.lower() == lowered:
            return decoded(str(value)[:MAX_FIELD])
    return ""


def fields(message: Message, name: str) -> str:
    """The same of all headers of that name, with commas between."""
    lowered = name.lower()
    values = (str(value) for key, value in message.raw_items() if key.lower() == lowered)
    return decoded(", ".join(values)[: 4 * MAX_FIELD])


def decoded(value: str) -> str:
    """A field's value on one line, its encoded words (RFC 2047) decoded."""
    text = _utf8(value)
    if "=?" in text and text.count("=?") < 200:
        try:
            text = str(make_header(decode_header(text)))
        except Exception:
            # decode_header raises more than it documents: whatever binascii and the codecs think of.
            text = _utf8(value)
    return " ".join(_utf8(text).split())


def _utf8(text: str) -> str:
    """The parser keeps bytes that are not ASCII as surrogates."""
    data = text.encode("utf-8", "surrogateescape" if _only_escapes(text) else "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _only_escapes(text: str) -> bool:
    return not any("\ud800" <= char <= "\udc7f" or "\udd00" <= char <= "\udfff" for char in text)


def own_parts(message: Message) -> Iterator[Message]:
    """The parts that the mail itself has, in order: what it returns is one part, whose own are not its."""
    waiting = [message]
    for _ in range(MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        yield part
        if part.get_content_maintype() == "multipart":
            waiting.extend(reversed(_children(part)[:MAX_PARTS]))


def _children(part: Message) -> list[Message]:
    """The messages that the parser made of a part; asked for text, it may raise what its codecs raise."""
    payload = part.get_payload() if part.is_multipart() else []
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def part_of(message: Message, *content_types: str) -> Message | None:
    """The first of the mail's own parts that has one of these types."""
    return next((part for part in own_parts(message) if part.get_content_type() in content_types), None)


def returned_text(message: Message) -> str:
    """The mail that this one returns, its headers first; empty where none is attached."""
    for part in own_parts(message):
        if part.get_content_type() in _RETURNED:
            return fields_text(part)[:MAX_TEXT]
    return ""


def fields_text(part: Message) -> str:
    """What a part holds, as text, though the parser took it for messages and made them of it."""
    if not part.is_multipart():
        return body_text(part)
    pieces: list[str] = []
    for block in _children(part)[:MAX_BLOCKS]:
        pieces.append("".join(f"{name}: {value}\n" for name, value in block.raw_items()))
        pieces.append("\n\n".join(body_text(child) for child in own_parts(block)))
    text = _utf8("\n".join(pieces))
    if _encoding(part) in ("base64", "quoted-printable"):
        again = Message()
        again["Content-Transfer-Encoding"] = _encoding(part)
        again.set_payload("\n".join(line for line in text.splitlines() if line.strip(" :")))
        text = body_text(again)
    return text


def body_text(part: Message) -> str:
    """A part's text, decoded as well as can be; tags taken out of HTML."""
    if part.is_multipart():
        return ""
    try:
        data = part.get_payload(decode=True)
    except Exception:
        # Damaged encodings raise what their decoders raise.
        return ""
    if not isinstance(data, bytes):
        return ""
    text = _decode(data[: 4 * MAX_TEXT], str(part.get_param("charset", "") or ""))
    text = _RUN.sub(lambda run: run[1] * 99, _BLANK_LINES.sub("\n\n\n\n", text))
    return (without_tags(text) if part.get_content_subtype() == "html" else text)[:MAX_TEXT]


def _encoding(part: Message) -> str:
    return field(part, "Content-Transfer-Encoding").lower()


def _decode(data: bytes, charset: str) -> str:
    names = ["iso-2022-jp"] if b"\x1b$" in data else []
    for name in [*names, charset.strip("'\" ") or "utf-8", "utf-8"]:
        if _NO_CHARSET.search(name):
            continue
        try:
            # Some codecs make lone surrogates, which nothing can write.
            return data.decode(name).encode("utf-8", "replace").decode("utf-8")
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")


def without_tags(html: str) -> str:
    """The words of an HTML document, a line for each block."""
    text = re.sub(r"(?i)<(style|script|title)\b[^<>]{0,500}>[^<]*", " ", html)
    text = re.sub(r"(?i)<(br|p|/p|div|/div|tr|/tr|li|h\d|/h\d|hr|table|pre|/pre)\b[^<>]{0,1000}>", "\n", text)
    return unescape(re.sub(r"<[^<>@]{1,2000}>|<a\b[^<>]{0,2000}>", "", text))


def notice_text(message: Message) -> str:
    """What the mail says in words: its plain text, and where it has none its HTML."""
    plain: list[str] = []
    html: list[str] = []
    for part in own_parts(message):
        if part.get_content_maintype() == "text" and part.get_content_type() not in _RETURNED:
            (html if part.get_content_subtype() == "html" else plain).append(body_text(part))
        elif part.get_content_maintype() == "multipart" and not part.is_multipart():
            # It says that it has parts, and has none.
            plain.append(body_text(part))
        if sum(map(len, plain)) > MAX_TEXT:
            break
    text = "\n".join(plain)
    return (text if text.strip() else "\n".join(html))[:MAX_TEXT]
