"""What an app may say of a mail that it wants sent."""

import binascii
import mimetypes
import re
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from sidecars.api.ids import TemplateId
from sidecars.api.shapes import Body, Line, Moment, example
from sidecars.deliverability.addresses import AddressError, checked
from sidecars.mail.letter import Attachment, Mailbox

MOST_RECIPIENTS = 50
MOST_REPLY_TO = 10
MOST_ATTACHMENTS = 30
# 20 MB when they are encoded, which most providers take; of all that one mail has.
MOST_ATTACHED_BYTES = 15 * 1024 * 1024
MOST_TEXT = 1024 * 1024
MOST_HEADERS = 30
# As what is said of submitted mail (haraka/plugins/lib/submission_options.js).
MOST_TAGS = 10
MOST_METADATA = 20
LONGEST_TAG = 100
LONGEST_VALUE = 200
LONGEST_NAME = 120

_NAMED = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\"<>]*?))\s*<([^<>]+)>\s*")
_QUOTED_PAIR = re.compile(r"\\(.)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_METADATA_NAME = re.compile(r"[\w.-]{1,40}", re.ASCII)
_FIELD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,75}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80}", re.IGNORECASE)
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,120}")
# Fields that say who sends, to whom, and how it is made, are ours to write, or have a place of their own.
_OURS = frozenset({
    "bcc", "cc", "date", "dkim-signature", "feedback-id", "from", "message-id", "mime-version", "received",
    "reply-to", "return-path", "sender", "subject", "to", "authentication-results", "domainkey-signature",
    "delivered-to", "errors-to", "disposition-notification-to", "return-receipt-to", "received-spf",
    "bimi-location", "bimi-indicator",
})  # fmt: skip
_OUR_PREFIXES = ("content-", "x-kibamail-", "arc-", "resent-")
# What would run on its reader's machine, and what providers refuse for that (Gmail's list of blocked types).
_REFUSED_FILES = frozenset({
    "ade", "adp", "apk", "appx", "bat", "cab", "chm", "cmd", "com", "cpl", "dll", "exe", "hta", "ins", "iso",
    "isp", "jar", "js", "jse", "lib", "lnk", "mde", "msc", "msi", "msp", "mst", "nsh", "pif", "ps1", "scr",
    "sct", "shb", "sys", "vb", "vbe", "vbs", "vxd", "wsc", "wsf", "wsh",
})  # fmt: skip


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("value_error", "{message}", {"message": message})


def _mailbox(value: Any) -> Mailbox:
    """`ada@b.example`, or `Ada <ada@b.example>`."""
    if not isinstance(value, str):
        raise _wrong("must be a text, `ada@mail.example` or `Ada <ada@mail.example>`")
    named = _NAMED.fullmatch(value)
    quoted, plain, address = named.groups() if named else ("", "", value)
    name = _QUOTED_PAIR.sub(r"\1", quoted) if quoted else (plain or "").strip()
    if len(name) > LONGEST_NAME or _CONTROLS.search(name):
        raise _wrong(f"the name must be one line of {LONGEST_NAME} characters at most")
    try:
        return Mailbox(checked(address), name)
    except AddressError as error:
        raise _wrong(str(error)) from error


def _mailboxes(most: int, value: Any) -> tuple[Mailbox, ...]:
    given = value if isinstance(value, list) else [value]
    if not given or len(given) > most:
        raise _wrong(f"must be one address, or 1 to {most} of them")
    return tuple(map(_mailbox, given))


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _wrong("must be a text in base64")
    try:
        return b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(f"is not base64: {error}") from error


def _headers(given: dict[str, str]) -> dict[str, str]:
    if len(given) > MOST_HEADERS:
        raise ValueError(f"must be {MOST_HEADERS} at most")
    if len({name.lower() for name in given}) < len(given):
        raise ValueError("must name each field once")
    for name, value in given.items():
        if not _FIELD_NAME.fullmatch(name):
            raise ValueError(f"{name!r}: a name has letters, digits and dashes, 76 at most")
        if name.lower() in _OURS or name.lower().startswith(_OUR_PREFIXES):
            raise ValueError(f"{name} is not to be given here")
        if not value.strip() or len(value) > 900 or _CONTROLS.search(value):
            raise ValueError(f"{name}: a value is one line of 1 to 900 characters")
    return given


def _metadata(given: dict[str, str | int | float | bool]) -> dict[str, str]:
    if len(given) > MOST_METADATA:
        raise ValueError(f"must have {MOST_METADATA} names at most")
    for name, value in given.items():
        if not _METADATA_NAME.fullmatch(name):
            raise ValueError(f"{name!r}: a name has 1 to 40 letters, digits, dots, dashes and underscores")
        if len(_word(value)) > LONGEST_VALUE:
            raise ValueError(f"{name}: a value has {LONGEST_VALUE} characters at most")
    return {name: _word(value) for name, value in given.items()}


def _word(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_MAILBOX = {"type": "string", "example": "Ada <ada@mail.example>"}
Author = Annotated[Mailbox, PlainValidator(_mailbox), WithJsonSchema(_MAILBOX)]


def _one_or_several(most: int) -> dict[str, Any]:
    return {"anyOf": [_MAILBOX, {"type": "array", "items": _MAILBOX, "minItems": 1, "maxItems": most}]}


Recipients = Annotated[
    tuple[Mailbox, ...],
    PlainValidator(partial(_mailboxes, MOST_RECIPIENTS)),
    WithJsonSchema(_one_or_several(MOST_RECIPIENTS)),
]
Answerers = Annotated[
    tuple[Mailbox, ...],
    PlainValidator(partial(_mailboxes, MOST_REPLY_TO)),
    WithJsonSchema(_one_or_several(MOST_REPLY_TO)),
]
Tag = Annotated[Line, Field(max_length=LONGEST_TAG)]
Text = Annotated[str, Field(max_length=MOST_TEXT)]
Value = str | int | float | bool


class AttachmentBody(Body):
    """A file. With a `content_id` it is shown in the HTML: `<img src="cid:logo">`."""

    filename: Annotated[Line, Field(max_length=200)]
    content: Annotated[
        bytes, PlainValidator(_base64), WithJsonSchema({"type": "string", "contentEncoding": "base64"})
    ]
    content_type: str | None = Field(None, description="Null: by the name's ending.")
    content_id: str | None = Field(None, description="Of a picture that stands in the HTML.")

    def attachment(self) -> Attachment:
        """As a letter has it."""
        kind = self.content_type or mimetypes.guess_type(self.filename)[0] or "application/octet-stream"
        return Attachment(self.filename, kind, self.content, self.content_id)

    @model_validator(mode="after")
    def _is_sane(self) -> "AttachmentBody":
        if self.filename.rpartition(".")[2].lower() in _REFUSED_FILES:
            raise ValueError(f"{self.filename}: providers refuse files that may run; pack it, or send a link")
        if self.content_type is not None and not _MEDIA_TYPE.fullmatch(self.content_type):
            raise ValueError("content_type: must be such as application/pdf")
        if self.content_id is not None and not _CONTENT_ID.fullmatch(self.content_id):
            raise ValueError("content_id: letters, digits, dots and dashes, without brackets")
        return self


EXAMPLE = {
    "from": "Acme <orders@acme.example>",
    "to": ["Ada <ada@mail.example>"],
    "subject": "Your order",
    "html": "<p>It is on its way.</p>",
    "text": "It is on its way.",
    "tags": ["order"],
    "metadata": {"order": "17"},
}


class NewEmail(Body):
    """A mail to 1 to 50 recipients, who all see `to` and `cc`."""

    model_config = example(EXAMPLE)

    sender: Author = Field(alias="from", description="At a verified domain of yours.")
    to: Recipients
    cc: Recipients | None = None
    bcc: Recipients | None = Field(None, description="Stands in no copy.")
    reply_to: Answerers | None = None
    subject: Annotated[str, Field(max_length=998)] | None = Field(
        None, description="A template has one of its own."
    )
    html: Text | None = None
    text: Text | None = Field(None, description="Null: made from the HTML.")
    mjml: Text | None = Field(None, description="In the place of `html`.")
    template_id: TemplateId | None = Field(None, description="In the place of `html`, `mjml` and `text`.")
    variables: dict[str, Any] | None = Field(
        None,
        description="Merge fields are filled in: `{{ contact.properties.order }}` is `order`. Null: "
        "there are none, and braces are braces.",
    )
    attachments: Annotated[list[AttachmentBody], Field(max_length=MOST_ATTACHMENTS)] = Field([])
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(
        {}, description="Fields of your own, such as List-Unsubscribe or X-Order."
    )
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] = Field(
        [], description="To find it by; the first stands in its events."
    )
    metadata: Annotated[dict[str, Value], AfterValidator(_metadata)] = Field(
        {}, description="Stands in its events; each value becomes a text."
    )
    send_at: Moment | None = Field(None, description="With its offset, 30 days ahead at most; null: now.")
    stream: Literal["transactional", "broadcast"] = "transactional"
    track_opens: bool | None = Field(None, description="Null: as its domain has it.")
    track_clicks: bool | None = Field(None, description="Null: as its domain has it.")

    @model_validator(mode="after")
    def _is_whole(self) -> "NewEmail":
        if wrong := next(self._faults(), None):
            raise ValueError(wrong)
        return self

    def _faults(self) -> Iterator[str]:
        if self.html is not None and self.mjml is not None:
            yield "give html or mjml, not both"
        own = (self.html, self.mjml, self.text)
        if self.template_id is not None and any(part is not None for part in own):
            yield "give template_id, or html, mjml and text, not both"
        if self.template_id is None and all(part is None for part in own):
            yield "give one of html, text, mjml and template_id"
        if self.template_id is None and not (self.subject or "").strip():
            yield "subject: write one"
        if self.variables is not None and self.template_id is None and self.html is self.mjml is None:
            yield "variables: are for html, mjml and template_id"
        if len(self.to) + len(self.cc or ()) + len(self.bcc or ()) > MOST_RECIPIENTS:
            yield f"to, cc and bcc have {MOST_RECIPIENTS} addresses at most together"
        if sum(len(each.content) for each in self.attachments) > MOST_ATTACHED_BYTES:
            yield f"attachments: {MOST_ATTACHED_BYTES // 1024 // 1024} MiB at most together"
