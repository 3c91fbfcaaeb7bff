"""What DSNs and feedback reports have in common: multipart/report (RFC 6522)."""

from collections.abc import Sequence
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, localtime, make_msgid

Fields = dict[str, str]

# Allowed up to 998 characters (RFC 5322 2.1.1), and what reporting servers send.
UNFOLDED = compat32.clone(max_line_length=None)


def multipart_report(
    report_type: str, headers: Fields, explanation: str, machine: MIMEBase, raw: bytes
) -> MIMEMultipart:
    """Three parts: for people, for machines, and the headers of the mail it is about."""
    report = MIMEMultipart("report", policy=UNFOLDED, report_type=report_type)
    for name, value in headers.items():
        report[name] = value
    report["Date"] = format_datetime(localtime())
    report["Message-ID"] = make_msgid(domain=headers["From"].rpartition("@")[2].rstrip(">"))
    report.attach(MIMEText(explanation, "plain", "utf-8" if not explanation.isascii() else "us-ascii"))
    report.attach(machine)
    report.attach(_headers_of(raw))
    return report


def blocks(subtype: str, groups: Sequence[Fields]) -> MIMEBase:
    """A `message/<subtype>` part of header-like blocks with an empty line between them."""
    part = MIMEBase("message", subtype, policy=UNFOLDED)
    for fields in groups:
        block = Message(policy=UNFOLDED)
        for name, value in fields.items():
            block[name] = value
        part.attach(block)
    return part


def _headers_of(raw: bytes) -> MIMEBase:
    part = MIMEBase("text", "rfc822-headers")
    part.set_payload(raw[: raw.find(b"\r\n\r\n") + 2].decode("latin-1").replace("\r\n", "\n"))
    return part
