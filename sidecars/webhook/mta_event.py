"""What an edge reports of one mail: every field present, null where it is not known.

The fields that came later may be missing, since an edge may be older than its receiver.
"""

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

Ids = Annotated[int, Meta(ge=0, lt=2**32)]
Milliseconds = Annotated[int, Meta(ge=0, lt=2**53)]
Text = Annotated[str, Meta(max_length=1000)]
ShortText = Annotated[str, Meta(max_length=20)]


class Step(Struct, gc=False):
    """One step of an SMTP conversation: connect, helo, starttls, mail, rcpt, data or dot."""

    step: ShortText
    ms: Annotated[int, Meta(ge=0, lt=2**32)] | None
    reply: Text


class MtaEvent(Struct, gc=False):
    """One event. `occurred_at` is RFC 3339, `response` the remote server's words, `raw` base64.

    `submitted` where a team's program handed the mail over; `tag` and `metadata` are what it said of it.
    """

    event_id: UUID
    type: Literal["accepted", "delivered", "deferred", "bounced", "unknown", "cancelled", "inbound"]
    message_id: UUID | None
    occurred_at: Annotated[datetime, Meta(tz=True)]
    team_id: Ids | None
    recipient: Text
    envelope_sender: Text
    from_domain: Text | None
    subject: Text | None
    stream: Literal["broadcast", "transactional"]
    edge: Annotated[str, Meta(max_length=64)]
    queue_id: Text
    attempt: Annotated[int, Meta(ge=0, lt=2**16)]
    code: Annotated[int, Meta(ge=0, le=999)] | None
    enhanced: ShortText | None
    response: Text
    mx: Text | None
    ip: Text | None
    port: Annotated[int, Meta(ge=0, lt=2**16)] | None
    source_ip: Text | None
    tls: bool | None
    delay_ms: Milliseconds | None
    next_attempt_in_s: Annotated[int, Meta(ge=0, lt=2**32)] | None
    conversation: Annotated[list[Step], Meta(max_length=50)]
    raw: str | None
    provider: Text | None = None
    tls_version: ShortText | None = None
    connection_mail: Annotated[int, Meta(ge=0, lt=2**32)] | None = None
    submitted: bool = False
    tag: Text | None = None
    metadata: Annotated[dict[Text, Text], Meta(max_length=20)] | None = None


_decode = msgspec.json.Decoder(MtaEvent).decode
# As msgspec words it: `Expected `str`, got `null` - at `$.conversation[0].reply``.
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")
_PLACE = re.compile(r" - at `\$(?P<place>[^`]*)`$")


def problem(line: bytes) -> str | None:
    """What is wrong with an event's JSON, naming the field; None where nothing is."""
    try:
        event = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _in_words(str(error))
    if event.message_id is None and event.type != "inbound":
        return "message_id: Only inbound mail, to postmaster or abuse, may have none"
    return None


def _in_words(error: str) -> str:
    found = _PLACE.search(error)
    place = found["place"].replace("[", ".").replace("]", "") if found else ""
    words = _PLACE.sub("", error)
    if missing := _MISSING.match(words):
        place, words = f"{place}.{missing['name']}", "Field required"
    field = place.removeprefix(".")
    return f"{field}: {words}" if field else words
