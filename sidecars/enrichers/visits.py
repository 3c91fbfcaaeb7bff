"""What opens and clicks have in common: who asked, from where, with what, and was it a person. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sidecars.edge.messages import Attribution
from sidecars.enrichers.client import Client, client
from sidecars.enrichers.geo import origin
from sidecars.enrichers.outcome import Event, as_uuid, moment
from sidecars.enrichers.verdict import Visit, agent, judge


def visit_row(
    event: Event,
    whose: Attribution,
    delivered_at: Mapping[UUID, datetime],
    processed_at: str,
    links_at_once: int = 0,
) -> dict[str, Any]:
    """The columns that opens and clicks share. Behind a proxy the reader's device and country are unknown."""
    came_from = origin(event["ip"])
    known = agent(event["user_agent"])
    used = client(event["user_agent"])
    if known is not None and known.hides_reader:
        used = Client(browser=used.browser)
    delivery = delivered_at.get(as_uuid(event["message_id"]))
    verdict = judge(
        Visit(
            user_agent=event["user_agent"],
            http_method=event["http_method"],
            headers=event["headers"],
            network=came_from.network,
            seconds_after_delivery=(moment(event) - delivery).total_seconds() if delivery else None,
            links_at_once=links_at_once,
        )
    )
    return {
        "event_id": event["event_id"],
        "occurred_at": event["occurred_at"],
        "team_id": whose.team_id,
        "broadcast_id": whose.broadcast_id,
        "contact_id": whose.contact_id,
        "variant_id": whose.variant_id,
        "message_id": event["message_id"],
        "verdict": verdict.name,
        "reasons": verdict.reasons,
        "ip": event["ip"],
        "country": "" if known is not None and known.hides_reader else came_from.country,
        "network": came_from.network,
        "device": used.device,
        "os": used.os,
        "browser": used.browser,
        "http_method": event["http_method"],
        "user_agent": event["user_agent"],
        "referer": event["referer"] or "",
        "headers": event["headers"],
        "processed_at": processed_at,
    }
