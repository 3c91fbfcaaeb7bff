"""Raw events as the edge and the webhook receiver make them."""

import base64
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)


def rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def mta_event(type_: str, message_id: UUID | None, **fields: Any) -> dict[str, Any]:
    """What an edge reports: by default a delivery at the first attempt."""
    return {
        "event_id": str(uuid4()),
        "type": type_,
        "message_id": message_id and str(message_id),
        "occurred_at": rfc3339(datetime.now(UTC)),
        "team_id": 1,
        "recipient": "person@people.example",
        "envelope_sender": "b-token@kb.news.example",
        "from_domain": "news.example",
        "subject": "Spring",
        "stream": "broadcast",
        "edge": "edge-1",
        "queue_id": "0A1B.1",
        "attempt": 1,
        "code": 250,
        "enhanced": "2.0.0",
        "response": "Ok: queued",
        "provider": "bigmail",
        "mx": "mx1.bigmail.example",
        "ip": "127.0.25.1",
        "port": 25,
        "source_ip": "127.0.0.1",
        "tls": True,
        "tls_version": "TLSv1.3",
        "connection_mail": 1,
        "delay_ms": 120,
        "next_attempt_in_s": None,
        "conversation": [
            {"step": "connect", "ms": 3, "reply": "220 ready"},
            {"step": "dot", "ms": 9, "reply": "250 2.0.0 Ok: queued"},
        ],
        "raw": None,
    } | fields


def refused(message_id: UUID, code: int | None, enhanced: str | None, response: str, **fields: Any) -> Any:
    """A bounce by a server's reply."""
    return mta_event("bounced", message_id, code=code, enhanced=enhanced, response=response, **fields)


def inbound(
    message_id: UUID | None, mail: bytes, recipient: str = "b-token@kb.news.example"
) -> dict[str, Any]:
    """A mail that came to a return path."""
    return mta_event(
        "inbound",
        message_id,
        recipient=recipient,
        code=None,
        enhanced=None,
        response="",
        provider=None,
        mx=None,
        tls_version=None,
        connection_mail=None,
        attempt=0,
        conversation=[],
        stream="transactional",
        raw=base64.b64encode(mail).decode(),
    )


def open_event(message_id: UUID, **fields: Any) -> dict[str, Any]:
    """A person's browser asked for the pixel."""
    return {
        "event_id": str(uuid4()),
        "message_id": str(message_id),
        "occurred_at": rfc3339(datetime.now(UTC)),
        "ip": "91.12.3.4",
        "http_method": "GET",
        "user_agent": BROWSER,
        "referer": None,
        "headers": {"accept": "image/*", "accept-language": "de-DE"},
    } | fields


def click_event(message_id: UUID, link_index: int | None = 0, **fields: Any) -> dict[str, Any]:
    """A person followed a link."""
    return open_event(message_id) | {"type": "click", "method": "click", "link_index": link_index} | fields


def unsubscribe_event(message_id: UUID, method: str = "page", **fields: Any) -> dict[str, Any]:
    """A person left."""
    return click_event(message_id, None, type="unsubscribe", method=method, **fields)


def dsn(action: str, status: str, diagnostic: str, *recipients: str) -> bytes:
    """A delivery status notification (RFC 3464), by default about person0@people.example."""
    told = "\n".join(
        f"""\
Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}
"""
        for recipient in recipients or ("person0@people.example",)
    )
    return f"""\
From: MAILER-DAEMON@mx.people.example
To: b-token@kb.news.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I could not deliver your message.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.people.example

{told}
--b1--
""".replace("\n", "\r\n").encode()


def arf(feedback_type: str = "abuse") -> bytes:
    """A complaint (RFC 5965)."""
    return f"""\
From: feedback@bigmail.example
To: b-token@kb.news.example
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

This is an email abuse report.

--b1
Content-Type: message/feedback-report

Feedback-Type: {feedback_type}
User-Agent: BigmailFeedback/1.0
Version: 1
Original-Rcpt-To: <person0@people.example>

--b1
Content-Type: message/rfc822

From: news@news.example
To: person0@people.example
Subject: Spring

Hello
--b1--
""".replace("\n", "\r\n").encode()


def unix_now() -> int:
    return int(time.time())
