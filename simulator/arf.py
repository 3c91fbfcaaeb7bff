"""A complaint in the Abuse Reporting Format (RFC 5965), as a feedback loop sends it."""

from datetime import datetime
from email.message import Message
from email.utils import format_datetime

from simulator.report import blocks, multipart_report


def sender(provider_domain: str) -> str:
    """Envelope sender and From of a provider's feedback loop."""
    return f"feedback@{provider_domain}"


def reports_to(return_path: str) -> str:
    """Where a sender has complaints sent to: one address for all of its mail (RFC 2142 section 4)."""
    return f"abuse@{return_path.rpartition('@')[2]}"


def build(raw: bytes, return_path: str, domain: str, host: str, arrived: datetime) -> Message:
    """The report of the provider at `domain` that somebody called the mail `raw` spam.

    `arrived` is when the provider's `host` took it, with its time zone. Who it was is redacted, as large
    providers do (RFC 6590).
    """
    headers = {
        "From": f"Feedback loop <{sender(domain)}>",
        "To": reports_to(return_path),
        "Subject": "Abuse report",
        "Auto-Submitted": "auto-generated",
    }
    explanation = f"This is an abuse report for a message that {host} took on {format_datetime(arrived)}.\n"
    fields = {
        "Feedback-Type": "abuse",
        "User-Agent": "Simulated-Feedback-Loop/1.0",
        "Version": "1",
        "Original-Mail-From": f"<{return_path}>",
        "Arrival-Date": format_datetime(arrived),
        "Reporting-MTA": f"dns; {host}",
        "Reported-Domain": return_path.rpartition("@")[2],
    }
    machine = blocks("feedback-report", [fields])
    return multipart_report("feedback-report", headers, explanation, machine, raw)
