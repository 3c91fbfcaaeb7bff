"""A delivery status notification (RFC 3464), of a provider that took a mail and failed afterwards."""

from datetime import datetime
from email.message import Message
from email.utils import format_datetime

from simulator.report import blocks, multipart_report

STATUS = "5.1.1"
DIAGNOSTIC = "550 5.1.1 Mailbox no longer exists"


def build(raw: bytes, recipient: str, return_path: str, host: str, arrived: datetime) -> Message:
    """The report from `host`, which took the mail `raw` for `recipient` at `arrived` (with its time zone).

    It is to be sent to `return_path` with an empty envelope sender (RFC 3464 2).
    """
    headers = {
        "From": f"Mail Delivery Subsystem <MAILER-DAEMON@{host}>",
        "To": return_path,
        "Subject": "Undelivered Mail Returned to Sender",
        "Auto-Submitted": "auto-replied",
    }
    explanation = (
        f"This is the mail system at {host}.\n\n"
        "Your message was accepted, and could not be delivered afterwards. Its headers are below.\n\n"
        f"<{recipient}>: {DIAGNOSTIC}\n"
    )
    of_message = {"Reporting-MTA": f"dns; {host}", "Arrival-Date": format_datetime(arrived)}
    of_recipient = {
        "Original-Recipient": f"rfc822; {recipient}",
        "Final-Recipient": f"rfc822; {recipient}",
        "Action": "failed",
        "Status": STATUS,
        "Diagnostic-Code": f"smtp; {DIAGNOSTIC}",
    }
    machine = blocks("delivery-status", [of_message, of_recipient])
    return multipart_report("delivery-status", headers, explanation, machine, raw)
