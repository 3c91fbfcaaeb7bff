"""Feedback loops: ARF (RFC 5965) and what came before it."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import Mail, Names, headers, headers_of, multipart, original

# Provider, type, whether the recipient is told, how the mail is returned.
LOOPS = (
    ("yahoo", "abuse", True, "message/rfc822"),
    ("comcast", "abuse", False, "message/rfc822"),
    ("fastmail", "abuse", True, "message/rfc822"),
    ("zoho", "abuse", True, "text/rfc822-headers"),
    ("mail.ru", "abuse", True, "message/rfc822"),
    ("libero", "abuse", False, "text/rfc822-headers"),
    ("synacor", "abuse", False, "message/rfc822"),
    ("validity", "abuse", False, "message/rfc822"),
    ("laposte", "fraud", True, "message/rfc822"),
    ("terra", "virus", True, "message/rfc822"),
    ("seznam", "other", True, "message/rfc822"),
    ("cox", "miscategorized", True, "message/rfc822"),
)


def mails() -> Iterator[Mail]:
    """Complaints, then the reports that are none."""
    names = Names("complaints")
    for provider, kind, named, returned_type in LOOPS:
        to, message_id = names.address(), names.message_id()
        shown = to if named else "redacted@redacted.invalid"
        own = "" if named else "0192f0c1-7d3a-7e4b-9c55-0a1b2c3d4e5f"
        returned = original(shown, message_id, own_id=own)
        body = returned if returned_type == "message/rfc822" else headers_of(returned)
        recipient = f"Original-Rcpt-To: <{to}>\n" if named else ""
        yield Mail(
            f"arf:{provider}",
            kind,
            _arf(kind, recipient, body, returned_type),
            "complaint",
            {},
            own or message_id,
        )
    to, message_id = names.address(), names.message_id()
    head = headers(
        "staff@hotmail.example", "complaint about message from 192.0.2.25", f"X-HmXmrOriginalRecipient: {to}"
    )
    yield Mail(
        "arf:jmrp",
        "the mail alone",
        multipart(head, [("Content-Type: message/rfc822", original(to, message_id))], kind="mixed"),
        "complaint",
        {},
        message_id,
    )
    for kind in ("not-spam", "auth-failure"):
        to, message_id = names.address(), names.message_id()
        yield Mail(
            f"arf:{kind}",
            "no complaint",
            _arf(kind, f"Original-Rcpt-To: <{to}>\n", original(to, message_id), "message/rfc822"),
            "other",
        )


def _arf(kind: str, recipient: str, returned: str, returned_type: str) -> bytes:
    head = headers("feedback@loop.example", "Email Feedback Report for IP 192.0.2.25")
    fields = f"Feedback-Type: {kind}\nUser-Agent: Loop/1.0\nVersion: 1\nOriginal-Mail-From: <b-token@kb.news.example>\n{recipient}Source-IP: 192.0.2.25\n"
    parts = [
        (
            "Content-Type: text/plain",
            "This is an email abuse report for an email message received from IP 192.0.2.25.",
        ),
        ("Content-Type: message/feedback-report", fields),
        (f"Content-Type: {returned_type}", returned),
    ]
    return multipart(head, parts, kind="report; report-type=feedback-report")
