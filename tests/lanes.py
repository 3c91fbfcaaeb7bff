"""Lanes in tests: tables that nobody else has rows in, and rows as edges write them."""

import orjson

from sidecars import names
from sidecars.edge import lanes
from sidecars.edge.store import redis
from sidecars.models import LaneControl, LanePolicy, OperatorAction, Source, Warmup

LANE = {
    "source": "out-1",
    "provider": "google",
    "host": "aspmx.google.test",
    "connections": 2,
    "in_flight": 1,
    "waiting": 0,
    "oldest_wait_s": 0,
    "per_minute": 120,
    "limit_per_minute": 2400,
    "connections_limit": 10,
    "back_off": None,
    "control": None,
    "warmup": None,
    "last_replies": [{"at": 1795514400000, "code": 250, "text": "OK"}],
    "delivered": 10,
    "deferred": 1,
    "refused": 0,
}


def forget_lanes():
    """As on a new installation: nothing is said of lanes, in MySQL and in Redis."""
    for model in (Warmup, Source, LanePolicy, LaneControl, OperatorAction):
        model.delete().execute()
    lanes.write()
    states = list(redis.scan_iter(match=names.lane_state_key("*")))
    if states:
        redis.delete(*states)


def tell(edge, *rows, seconds=60):
    """An edge tells of its lanes, for longer than edges do; each row is what differs from LANE."""
    text = orjson.dumps([LANE | row for row in rows])
    redis.set(names.lane_state_key(edge), text, ex=seconds)


def records(key):
    """A hash of JSON records, read."""
    return {field: orjson.loads(value) for field, value in redis.hgetall(key).items()}
