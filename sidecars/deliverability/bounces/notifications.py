"""Amazon SES's notifications, as Amazon SNS mails them: JSON about a bounce or a complaint. Pure.

docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

from sidecars.deliverability.bounces import mime
from sidecars.deliverability.bounces.dsn import MAX_RECIPIENTS, find_address


@dataclass(frozen=True)
class Notification:
    """What SES says of one recipient. `kind` is its own word: Bounce or Complaint."""

    kind: str
    recipient: str
    status: str
    diagnostic: str


def read(message: Message) -> list[Notification]:
    """A notification for each recipient; none where the mail is something else."""
    text = mime.notice_text(message).lstrip()
    if not text.startswith("{") or "notificationType" not in text:
        return []
    told = _object(text)
    if isinstance(told.get("Message"), str):
        told = _object(told["Message"])
    return list(_recipients(told))[:MAX_RECIPIENTS]


def _object(text: str) -> dict[str, Any]:
    """The JSON object that a text begins with; SNS writes how to unsubscribe after it."""
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _recipients(told: dict[str, Any]) -> Iterator[Notification]:
    kind = told.get("notificationType")
    part = told.get(str(kind).lower())
    if kind not in ("Bounce", "Complaint") or not isinstance(part, dict):
        return
    listed = part.get("bouncedRecipients" if kind == "Bounce" else "complainedRecipients")
    # A bounce without a status: Permanent, Transient or Undetermined.
    status = "4.0.0" if part.get("bounceType") == "Transient" else "5.0.0"
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            yield Notification(
                kind,
                find_address(str(each.get("emailAddress", ""))),
                str(each.get("status", "") or status),
                str(each.get("diagnosticCode", "")),
            )
