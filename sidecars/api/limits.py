"""How often one may ask: requests are counted in Redis by the minute, for a key, a person, or an address.

An address is counted where nobody is known: at what anyone may ask, and for each wrong key. Where Redis is
away, requests pass: mail is worth more than a count. Told as draft-ietf-httpapi-ratelimit-headers-10 has it.
"""

import logging
import time
from typing import NamedTuple

import redis
from flask import Flask, Response, g, request
from redis.backoff import NoBackoff
from redis.retry import Retry

from sidecars.api.errors import Message, Refused
from sidecars.names import requests_key
from sidecars.settings import settings

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
# A request waits for its count no longer, and others do not try for a while.
ANSWER_SECONDS = 0.25
PAUSE_SECONDS = 5.0
_counters = redis.Redis.from_url(
    settings.redis_url,
    socket_connect_timeout=ANSWER_SECONDS,
    socket_timeout=ANSWER_SECONDS,
    retry=Retry(NoBackoff(), 0),
)
_asked_again_at = 0.0


class Quota(NamedTuple):
    """What is left of this minute; `name` says whose it is."""

    name: str
    limit: int
    left: int
    seconds: int


def register(app: Flask) -> None:
    """Counts each request below /v1/ that was let in. After `auth`, which knows who asks."""
    app.before_request(_count)
    app.after_request(_tell)


def count_stranger() -> None:
    """Counts a request of nobody known. Raises Refused, 429, where its address has asked too often."""
    _spend("address", request.remote_addr or "", settings.kiba_api_requests_a_minute_by_address)


def _count() -> None:
    if not request.path.startswith("/v1/"):
        return
    who = g.actor
    if who.key_id is not None:
        _spend("key", who.key_id, settings.kiba_api_requests_a_minute)
    elif who.user is not None:
        _spend("person", who.user.id, settings.kiba_api_requests_a_minute)
    else:
        count_stranger()


def _spend(name: str, who: int | str, limit: int) -> None:
    minute, passed = divmod(time.time(), WINDOW_SECONDS)
    asked = _one_more(requests_key(f"{name}:{who}", int(minute))) if limit else None
    if asked is None:
        return
    g.quota = Quota(name, limit, max(0, limit - asked), WINDOW_SECONDS - int(passed))
    if asked > limit:
        raise Refused(429, Message(message=f"Too many requests. Ask again in {g.quota.seconds} s."))


def _one_more(key: str) -> int | None:
    """How many there were with this one; None where Redis does not answer."""
    global _asked_again_at
    if time.monotonic() < _asked_again_at:
        return None
    try:
        with _counters.pipeline(transaction=False) as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, 2 * WINDOW_SECONDS)
            return int(pipeline.execute()[0])
    except redis.RedisError as error:
        _asked_again_at = time.monotonic() + PAUSE_SECONDS
        log.warning("requests are not counted, Redis does not answer", extra={"error": str(error)})
        return None


def _tell(response: Response) -> Response:
    quota: Quota | None = g.get("quota")
    if quota is not None:
        response.headers["RateLimit-Policy"] = f'"{quota.name}";q={quota.limit};w={WINDOW_SECONDS}'
        response.headers["RateLimit"] = f'"{quota.name}";r={quota.left};t={quota.seconds}'
        if response.status_code == 429:
            response.headers.setdefault("Retry-After", str(quota.seconds))
    return response
