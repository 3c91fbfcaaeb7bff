"""Telling a worker that mail waits. A word that is lost costs a second: workers look by themselves, too."""

import logging

from redis.exceptions import RedisError

from sidecars import names
from sidecars.edge.store import redis

log = logging.getLogger(__name__)

# One for each that may be idle: whoever is at work looks again by itself.
MOST_WORDS = 4
_SAY = redis.register_script(
    """if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[1]) then redis.call('LPUSH', KEYS[1], 1) end"""
)


def soon() -> None:
    """Mail is due now."""
    try:
        _SAY(keys=[names.EMAILS_WAITING_KEY], args=[MOST_WORDS])
    except RedisError as error:  # what was committed stands
        log.warning("wake-up lost, a worker will find the mail", extra={"error": str(error)})


def wait(seconds: int) -> None:
    """Till mail is due, at most so long. Raises redis.RedisError."""
    redis.brpop([names.EMAILS_WAITING_KEY], timeout=seconds)
