"""An endpoint of a team that wants everything, and what is to be delivered to it."""

from typing import Any

import orjson

from sidecars.callbacks import endpoints
from sidecars.callbacks.events import EVENT_TYPES
from sidecars.models import WebhookDelivery, WebhookEndpoint, database


def listen(team_id: int, stream: str | None = None) -> WebhookEndpoint:
    """Nothing answers there."""
    with database.connection_context():
        made, _ = endpoints.create(team_id, "http://127.0.0.1:9/hooks", EVENT_TYPES, stream, "")
        return made


def told(endpoint: WebhookEndpoint) -> list[tuple[str, dict[str, Any]]]:
    """Type and data of each event, in the order in which they go."""
    with database.connection_context():
        mine = WebhookDelivery.select().where(WebhookDelivery.endpoint == endpoint.id)
        rows = list(mine.order_by(WebhookDelivery.occurred_at, WebhookDelivery.id))
    return [(row.type, orjson.loads(row.body)["data"]) for row in rows]
