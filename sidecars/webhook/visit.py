"""A request to a tracking address as a raw event: the facts that an enricher judges by, and no judgement."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import request

from sidecars.edge.ids import uuid7

# What tells people's browsers from prefetchers and scanners, and nothing that identifies more than it must.
KEPT_HEADERS = (
    "accept",
    "accept-language",
    "purpose",
    "sec-purpose",
    "x-purpose",
    "x-moz",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-user",
    "via",
)
LONGEST_VALUE = 1000


def visit(message_id: UUID) -> dict[str, Any]:
    """The current request as an event of `message_id`: a new id, this moment, who asked and how."""
    return {
        "event_id": str(uuid7()),
        "message_id": str(message_id),
        "occurred_at": _rfc3339(datetime.now(UTC)),
        "ip": request.remote_addr or "",
        "http_method": request.method,
        "user_agent": request.headers.get("user-agent", "")[:LONGEST_VALUE],
        "referer": (request.referrer or "")[:LONGEST_VALUE] or None,
        "headers": {
            name: value[:LONGEST_VALUE] for name in KEPT_HEADERS if (value := request.headers.get(name))
        },
    }


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
