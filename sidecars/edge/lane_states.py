"""Lanes as their edges last told of them, each second; instants in milliseconds since 1970."""

import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from sidecars import names
from sidecars.edge.store import redis

log = logging.getLogger(__name__)

REPLIES_SHOWN = 5


class Reply(BaseModel):
    """What a receiving server said; `code` is null where there was no connection to say it on."""

    at: int
    code: int | None
    text: str


class BackOff(BaseModel):
    """Why a lane is slower than its limits; `until` is null where nobody knows."""

    until: int | None
    reason: str


class Held(BaseModel):
    """An operator's word on a lane; `at` by RFC 3339."""

    action: Literal["pause", "drain"]
    reason: str
    by: str
    at: str


class CeilingUse(BaseModel):
    """Mails of this UTC day, and how many it may have."""

    used: int
    ceiling: int


class LaneState(BaseModel):
    """A lane: mail of one source to one provider. Counts of mails are since its edge knows the lane."""

    source: str
    provider: str
    host: str
    connections: int
    in_flight: int
    waiting: int
    oldest_wait_s: float | None
    per_minute: float
    limit_per_minute: float
    connections_limit: int
    back_off: BackOff | None
    control: Held | None
    warmup: CeilingUse | None
    last_replies: list[Reply]
    delivered: int
    deferred: int
    refused: int
    edges: list[str] = []


_ROWS = TypeAdapter(list[LaneState])


def read() -> list[LaneState]:
    """The lanes of each edge that lives, one row a lane and edge. Raises redis.RedisError."""
    rows = []
    for key in sorted(redis.scan_iter(match=names.lane_state_key("*"), count=1000)):
        edge = str(key).removeprefix(names.lane_state_key(""))
        # Between the two commands it may have been forgotten.
        if (text := redis.get(key)) is not None:
            rows += [row.model_copy(update={"edges": [edge]}) for row in _parse(edge, str(text))]
    return rows


def merge(rows: Iterable[LaneState]) -> list[LaneState]:
    """One row a lane, over all edges that have it."""

    def lane(row: LaneState) -> tuple[str, str]:
        return row.source, row.provider

    return [_merged(list(same)) for _, same in groupby(sorted(rows, key=lane), key=lane)]


def used(source: str, provider: str, day: str) -> int:
    """Mails that a UTC day (ISO date) has had under the ceiling of a source and a provider, or `*`."""
    return int(redis.get(names.lane_used_key(source, provider, day.replace("-", ""))) or 0)


def _parse(edge: str, text: str) -> list[LaneState]:
    try:
        return _ROWS.validate_json(text)
    except ValidationError as error:
        log.warning("an edge's lanes cannot be read", extra={"edge": edge, "error": str(error)[:500]})
        return []


def _merged(rows: Sequence[LaneState]) -> LaneState:
    first = rows[0]
    if len(rows) == 1:
        return first
    backing_off = [row.back_off for row in rows if row.back_off]
    ceilings = [row.warmup for row in rows if row.warmup]
    replies = sorted((reply for row in rows for reply in row.last_replies), key=lambda reply: -reply.at)
    # Limits and the day's ceiling are shared by all edges; a back-off is each edge's own.
    return first.model_copy(
        update={
            "connections": sum(row.connections for row in rows),
            "in_flight": sum(row.in_flight for row in rows),
            "waiting": sum(row.waiting for row in rows),
            "oldest_wait_s": max(row.oldest_wait_s or 0 for row in rows),
            "per_minute": sum(row.per_minute for row in rows),
            "limit_per_minute": max(row.limit_per_minute for row in rows),
            "connections_limit": max(row.connections_limit for row in rows),
            "back_off": max(backing_off, key=lambda each: each.until or 0, default=None),
            "control": next((row.control for row in rows if row.control), None),
            "warmup": max(ceilings, key=lambda each: each.used, default=None),
            "last_replies": replies[:REPLIES_SHOWN],
            "delivered": sum(row.delivered for row in rows),
            "deferred": sum(row.deferred for row in rows),
            "refused": sum(row.refused for row in rows),
            "edges": sorted({edge for row in rows for edge in row.edges}),
        }
    )
