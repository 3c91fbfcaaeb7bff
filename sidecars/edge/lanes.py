"""What operators say of lanes, copied from MySQL into Redis, where all edges read it within a second.

MySQL is the truth. It is little, so each change writes all of it; writers take turns, and read MySQL when
it is theirs, so that none puts back what another has just replaced.
"""

import orjson
from peewee import fn

from sidecars import names
from sidecars.edge.store import redis
from sidecars.models import LaneControl, LanePolicy, OperatorAction, Source, Warmup

WRITING_SECONDS = 30


def write() -> None:
    """SOURCES, LANES:POLICIES, LANES:CONTROLS and WARMUP:<source> anew; the edges are told to look.

    To be called after the commit of a change. Raises redis.RedisError where Redis does not answer or others
    have been writing for WRITING_SECONDS; the clock writes again what is not current.
    """
    turn = redis.lock(names.LANES_WRITING_KEY, timeout=WRITING_SECONDS, blocking_timeout=WRITING_SECONDS)
    with turn, redis.pipeline(transaction=True) as pipeline:
        known = set(redis.scan_iter(match=names.warmup_key("*"), count=1000))
        pipeline.delete(names.SOURCES_KEY, names.LANE_POLICIES_KEY, names.LANE_CONTROLS_KEY, *sorted(known))
        # Read before the records: what comes between is written again rather than never.
        pipeline.set(names.LANES_VERSION_KEY, _version())
        for key, records in _records().items():
            pipeline.hset(key, mapping={name: orjson.dumps(record) for name, record in records.items()})
        pipeline.publish(names.LANES_CHANNEL, "changed")
        pipeline.execute()


def are_current() -> bool:
    """False where Redis lacks a change: it was away at that moment, or the writer died."""
    return int(redis.get(names.LANES_VERSION_KEY) or 0) == _version()


def _version() -> int:
    """Each change leaves an action."""
    return int(OperatorAction.select(fn.MAX(OperatorAction.id)).scalar() or 0)


def _records() -> dict[str, dict[str, dict[str, object]]]:
    """{key: {field: record}}, without keys that would be empty."""
    sources = list(Source.select().where(Source.state == "active"))
    plans: dict[str, dict[str, dict[str, object]]] = {}
    for plan in Warmup.select(Warmup, Source).join(Source).where(Source.state == "active"):
        plans.setdefault(names.warmup_key(plan.source.name), {})[plan.provider] = {
            "surplus": plan.surplus,
            "days": plan.days,
        }
    records = {
        names.SOURCES_KEY: {source.name: _source(source) for source in sources},
        names.LANE_POLICIES_KEY: {policy.provider: _policy(policy) for policy in LanePolicy.select()},
        names.LANE_CONTROLS_KEY: {
            f"{control.source}|{control.provider}": _control(control) for control in LaneControl.select()
        },
        **plans,
    }
    return {key: fields for key, fields in records.items() if fields}


def _source(source: Source) -> dict[str, object]:
    return {
        "address": source.address,
        "helo": source.helo,
        "edge": source.edge,
        "pools": source.pools,
        "team_id": source.team_id,
    }


def _policy(policy: LanePolicy) -> dict[str, object]:
    return {
        "connections": policy.connections,
        "mails_per_connection": policy.mails_per_connection,
        "per_minute": policy.per_minute,
        "per_day": policy.per_day,
    }


def _control(control: LaneControl) -> dict[str, object]:
    return {
        "action": control.action,
        "reason": control.reason,
        "by": control.placed_by,
        "at": control.placed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
