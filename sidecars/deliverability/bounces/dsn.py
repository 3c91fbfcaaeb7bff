"""Delivery status notifications: RFC 3464 and RFC 6533, and what servers make of them. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Literal

from sidecars.deliverability.bounces import mime

REPORT_TYPES = ("message/delivery-status", "message/global-delivery-status", "message/xdelivery-status")

Action = Literal["failed", "delayed", "other"]

MAX_RECIPIENTS = 1_000
ADDRESS = re.compile(r"""[^\s<>()\[\]"',;:@\\]{1,200}@[^\s<>()\[\]"',;:@\\]{1,253}""")
_QUOTED_ADDRESS = re.compile(r'"[^"\r\n]{1,100}"@[\w.-]{1,253}')
STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_FIELD = re.compile(r"[ \t>]{0,8}([A-Za-z][A-Za-z0-9-]{1,60})[ \t]{0,8}:[ \t]*(.*)")
# In this order the address that we wrote to is looked for: what we asked for, what became of it.
_RECIPIENT_FIELDS = ("original-recipient", "final-recipient", "x-actual-recipient", "x-failed-recipient")
_STARTS_GROUP = frozenset({"final-recipient", "original-recipient"})
_OF_RECIPIENT = frozenset({"action", "status", "diagnostic-code", *_RECIPIENT_FIELDS})


@dataclass
class _Group:
    """The fields of one recipient (RFC 3464 section 2.3)."""

    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a DSN says of one recipient. Strings are empty where it does not say."""

    action: Action
    status: str
    diagnostic: str
    recipient: str


def attached(message: Message) -> list[Report]:
    """What the report parts of a DSN say, a report for each recipient, good news too."""
    return [
        report
        for part in mime.own_parts(message)
        if part.get_content_type() in REPORT_TYPES
        for report in read(mime.fields_text(part))
    ]


def read(text: str) -> list[Report]:
    """The recipients' groups in a text of fields, wherever its blank lines are."""
    return [_report(group.fields) for group in _groups(text)[:MAX_RECIPIENTS]]


def _groups(text: str) -> list[_Group]:
    groups: list[_Group] = []
    started = False
    for name, value in _fields(text):
        if name not in _OF_RECIPIENT:
            continue
        if not groups or _begins(name, groups[-1], started):
            groups.append(_Group())
        started = started or name in _STARTS_GROUP
        groups[-1].fields.setdefault(name, value)
    return [group for group in groups if _says_something(group.fields)]


def _begins(name: str, group: _Group, started: bool) -> bool:
    """Whether the field is the first of a further recipient: one that the group has, and leads groups."""
    if name not in group.fields:
        return False
    if name in _STARTS_GROUP:
        return True
    return not started and name == "action"


def _says_something(fields: dict[str, str]) -> bool:
    return bool({"action", "status"} & fields.keys()) or "final-recipient" in fields


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Names in lower case and unfolded values, whatever stands between them."""
    name, value = "", ""
    for line in text.splitlines():
        found = _FIELD.match(line)
        if found and not (line[:1] in " \t" and found[1].lower() not in _OF_RECIPIENT):
            if name:
                yield name, value
            name, value = found[1].lower(), found[2]
        elif line[:1] in (" ", "\t") and name and line.strip():
            if len(value) < mime.MAX_FIELD:
                value = f"{value} {line.strip()}"
        elif name:
            yield name, value
            name = ""
    if name:
        yield name, value


def _report(fields: dict[str, str]) -> Report:
    diagnostic = without_type(mime.decoded(fields.get("diagnostic-code", "")))
    status = _status(fields.get("status", ""), diagnostic)
    return Report(_action(fields.get("action", ""), status), status, diagnostic, _recipient(fields))


def _action(words: str, status: str) -> Action:
    """RFC 3464 section 2.3.3. OpenSMTPD says `error`, others add comments; some leave it out."""
    word = words.strip().lower()
    if word.startswith(("fail", "error", "undeliver", "reject", "bounce", "expired")):
        return "failed"
    if word.startswith(("delay", "defer", "warning")):
        return "delayed"
    if word or not status:
        return "other"
    return {"5": "failed", "4": "delayed"}.get(status[:1], "other")  # type: ignore[return-value]


def _status(field_value: str, diagnostic: str) -> str:
    """The enhanced code: the diagnostic's, where Status is missing or says no more than its class."""
    told = STATUS.search(field_value)
    status = told[1] if told else ""
    if not status or status.endswith(".0.0"):
        found = status_in(diagnostic)
        if found and found[0] == (status[:1] or found[0]):
            return found
    if not status and (digit := re.match(r"\s*([245])(?:\.\s*x|\d\d\b|\s*$)", field_value)):
        return f"{digit[1]}.0.0"
    return status


def status_in(words: str) -> str:
    """The first enhanced code of a failure in a server's words; empty where there is none."""
    # Not the middle of an address of four numbers.
    found = re.search(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\.?\d)", words[:1000])
    return found[0] if found else ""


def _recipient(fields: dict[str, str]) -> str:
    for name in _RECIPIENT_FIELDS:
        if (value := fields.get(name)) and (address := _address(value)):
            return address
    return ""


def _address(value: str) -> str:
    """`rfc822; a@b.example` and what else is seen; `utf-8; \\x{FC}b@c.example` (RFC 6533 section 3)."""
    kind, separator, rest = value.partition(";")
    text = mime.decoded(rest if separator else value)
    if kind.strip().lower() == "utf-8":
        text = re.sub(r"\\x\{([0-9A-Fa-f]{1,6})\}", _character, text)
    elif "@" not in text:
        # An ORCPT that was handed on as it came (RFC 3461 section 4.2).
        text = re.sub(r"\+([0-9A-F]{2})", _character, text)
    return find_address(text)


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]


def find_address(text: str) -> str:
    """The first mail address in a text; empty where it has none."""
    found = _QUOTED_ADDRESS.search(text[: mime.MAX_LINE]) or ADDRESS.search(text[: mime.MAX_LINE])
    return found[0].strip(".") if found else ""


def without_type(value: str) -> str:
    """A typed field's value: `smtp; 550 …` → `550 …`."""
    kind, separator, rest = value.partition(";")
    return rest.strip() if separator and re.fullmatch(r"\s*[\w-]{1,20}\s*", kind) else value.strip()
