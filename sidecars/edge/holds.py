"""Broadcasts that are held back, copied from MySQL into Redis, where all edges see it within a second.

MySQL is the truth. There are few, so each change writes all of them; writers take turns, and read MySQL when
it is theirs, so that none puts back what another has just replaced.
"""

import orjson
from peewee import Select

from sidecars import names
from sidecars.edge.store import redis
from sidecars.models import Broadcast
from sidecars.models.moments import from_now

WRITING_SECONDS = 5
# An edge that was away for longer has no claims any more either.
KEPT_SECONDS = names.CLAIM_TTL_SECONDS

_ACTIONS = {"paused": "pause", "cancelled": "cancel", "stopped": "cancel"}


def write() -> None:
    """BROADCASTS:HELD as MySQL has it, and the edges are told to look; nothing where it stands so already.

    A broadcast that has ended stays for a week after its last slice: an edge that was away may still have
    mails of it. To be called after the commit of a change, and by the clock. Raises redis.RedisError where
    Redis does not answer, or others have been writing for WRITING_SECONDS.
    """
    if _are_current():
        return
    turn = redis.lock(names.BROADCASTS_WRITING_KEY, timeout=WRITING_SECONDS, blocking_timeout=WRITING_SECONDS)
    with turn, redis.pipeline(transaction=True) as pipeline:
        pipeline.delete(names.BROADCASTS_HELD_KEY)
        for broadcast_id, record in _records().items():
            pipeline.hset(names.BROADCASTS_HELD_KEY, broadcast_id, record)
        pipeline.publish(names.BROADCASTS_CHANNEL, "changed")
        pipeline.execute()


def _are_current() -> bool:
    return bool(redis.hgetall(names.BROADCASTS_HELD_KEY) == _records())


def _records() -> dict[str, str]:
    return {str(broadcast.id): _record(broadcast) for broadcast in _held()}


def _held() -> Select:
    is_recent = Broadcast.finished_at.is_null() | (Broadcast.finished_at > from_now(-KEPT_SECONDS))
    return Broadcast.select(Broadcast.id, Broadcast.state, Broadcast.updated_at).where(
        (Broadcast.state == "paused") | (Broadcast.state.in_(("cancelled", "stopped")) & is_recent)
    )


def _record(broadcast: Broadcast) -> str:
    at = broadcast.updated_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps({"action": _ACTIONS[broadcast.state], "at": at}).decode()
