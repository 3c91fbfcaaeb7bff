"""Complaints by feedback loop: ARF (RFC 5965), and the forms of those who came before it. Pure."""

import re
from dataclasses import dataclass
from email.message import Message

from sidecars.deliverability.bounces import mime
from sidecars.deliverability.bounces.dsn import find_address
from sidecars.deliverability.bounces.notices import addressed

_TYPE = re.compile(r"^[ \t]*feedback-type[ \t]*:[ \t]*([\w-]{1,40})", re.IGNORECASE | re.MULTILINE)
_RECIPIENT = re.compile(
    r"^[ \t]*(?:original-rcpt-to|removal-recipient|x-hmxmroriginalrecipient|x-original-recipient)"
    r"[ \t]*:(.{1,500})",
    re.IGNORECASE | re.MULTILINE,
)
# Microsoft's Junk Mail Reporting Program and AOL's first loop return the mail without a report.
_OLD_LOOPS = re.compile(
    r"^(complaint about message from|email feedback report for ip|client tos notification)", re.IGNORECASE
)


@dataclass(frozen=True)
class Feedback:
    """`feedback_type` is of RFC 5965 section 7.3's registry; `recipient` is empty where it is redacted."""

    feedback_type: str
    recipient: str


def read(message: Message) -> Feedback | None:
    """What a feedback report says; None where the mail is none."""
    returned = mime.returned_text(message)
    report = mime.part_of(message, "message/feedback-report")
    if report is not None:
        fields = mime.fields_text(report)
    elif str(message.get_param("report-type", "")).lower() == "feedback-report":
        fields = mime.notice_text(message)
    elif returned and _OLD_LOOPS.match(mime.field(message, "Subject")):
        fields = "Feedback-Type: abuse\n" + returned
    else:
        return None
    told = _TYPE.search(fields)
    named = _RECIPIENT.search(fields) or _RECIPIENT.search(returned[:8192])
    recipient = find_address(mime.decoded(named[1])) if named else ""
    sent_to = addressed(returned)
    return Feedback(
        told[1].lower() if told else "abuse", recipient or (sent_to[0] if len(sent_to) == 1 else "")
    )
