"""What operators say of lanes arrives in Redis, as the edge reads it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from sidecars import names
from sidecars.deliverability import sources
from sidecars.edge import lanes, records
from sidecars.edge.store import redis
from sidecars.models import LaneControl, LanePolicy, OperatorAction, Source, Warmup, now
from sidecars.settings import settings
from tests import lanes as helpers

LIB = Path(__file__).parents[2] / "haraka/plugins/lib"

# Says what an edge finds: its sources, the limits of a lane on a day, and what holds the lane.
READ = """
const [lib, url, edge, source, provider, day] = process.argv.slice(1)
const Redis = require(require.resolve('ioredis', { paths: [lib] }))
const { systemClock } = require(lib + '/clock')
const { LaneRecords } = require(lib + '/lane_records')
const { sourcesOf } = require(lib + '/sources')
const { Policies } = require(lib + '/policies')
const { Controls } = require(lib + '/controls')

async function main() {
    const redis = new Redis(url)
    const records = new LaneRecords({ redis, clock: systemClock })
    let found
    records.onChange = (all) => (found = all)
    await records.start()
    records.close()
    redis.disconnect()
    const { sources, policies, controls, warmups } = found
    console.log(JSON.stringify({
        sources: sourcesOf(sources, edge, 'mx.test'),
        limits: new Policies(policies, warmups).limitsOf(source, provider, day),
        control: new Controls(controls).of(source, provider),
    }))
}
main()
"""


@pytest.fixture(autouse=True)
def _clean(connection):
    helpers.forget_lanes()
    yield
    helpers.forget_lanes()


def found_by_the_edge(edge="edge-1", source="out-1", provider="google", day="2026-11-24"):
    node = shutil.which("node") or pytest.fail("node is not on PATH: ./kiba doctor tells how to get it")
    command = (node, "-e", READ, str(LIB), settings.redis_url, edge, source, provider, day)
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def add_source(name="out-1", **fields):
    return Source.create(**{"name": name, "pools": ["send", "engage"], "state": "active"} | fields)


def test_where_nothing_is_said_redis_holds_nothing_and_the_edge_uses_the_systems_address():
    lanes.write()
    keys = (names.SOURCES_KEY, names.LANE_POLICIES_KEY, names.LANE_CONTROLS_KEY)
    assert redis.exists(*keys) == 0
    assert [source["name"] for source in found_by_the_edge()["sources"]] == ["default"]


def test_the_edge_finds_its_sources():
    add_source(address="192.0.2.10", helo="out-1.example", edge="edge-1", pools=["send"])
    add_source("out-2", address="192.0.2.11")
    add_source("elsewhere", address="192.0.2.12", edge="edge-2")
    add_source("resting", address="192.0.2.13", state="off")
    lanes.write()
    assert set(redis.hkeys(names.SOURCES_KEY)) == {"elsewhere", "out-1", "out-2"}
    found = sorted(found_by_the_edge()["sources"], key=lambda source: source["name"])
    assert found == [
        {
            "name": "out-1",
            "address": "192.0.2.10",
            "helo": "out-1.example",
            "pools": ["send"],
            "teamId": None,
        },
        {
            "name": "out-2",
            "address": "192.0.2.11",
            "helo": "mx.test",
            "pools": ["send", "engage"],
            "teamId": None,
        },
    ]


def test_the_edge_finds_limits_and_the_days_ceiling():
    LanePolicy.create(provider="*", connections=3, per_minute=60)
    LanePolicy.create(provider="google", connections=7)
    Warmup.create(source=add_source(), provider="google", surplus="overflow", days={"2026-11-24": 200})
    lanes.write()
    assert found_by_the_edge()["limits"] == {
        "perMinute": 60,
        "connections": 7,
        "mailsPerConnection": 50,
        "ceiling": {"counter": "google", "mails": 200, "surplus": "overflow"},
    }
    assert found_by_the_edge(day="2026-11-25")["limits"]["ceiling"] is None


def test_the_edge_finds_what_holds_a_lane():
    add_source()
    placed_at = now()
    LaneControl.create(
        source="*",
        provider="google",
        action="pause",
        reason="421 storm",
        placed_by="ada",
        placed_at=placed_at,
    )
    lanes.write()
    assert found_by_the_edge()["control"] == {
        "action": "pause",
        "reason": "421 storm",
        "by": "ada",
        "at": placed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    assert found_by_the_edge(provider="yahoo")["control"] is None


def test_what_is_no_longer_said_goes():
    source = add_source()
    Warmup.create(source=source, provider="*", surplus="wait", days={"2026-11-24": 50})
    LanePolicy.create(provider="google", connections=7)
    lanes.write()
    assert redis.exists(names.warmup_key("out-1"), names.LANE_POLICIES_KEY) == 2
    source.delete_instance(recursive=True)
    LanePolicy.delete().execute()
    lanes.write()
    assert redis.exists(names.warmup_key("out-1"), names.LANE_POLICIES_KEY, names.SOURCES_KEY) == 0


def test_the_edges_are_told_at_once():
    with redis.pubsub() as channel:
        channel.subscribe(names.LANES_CHANNEL)
        assert channel.get_message(timeout=5)["type"] == "subscribe"
        lanes.write()
        assert channel.get_message(timeout=5)["type"] == "message"


def test_everything_is_written_again_after_redis_lost_it():
    add_source(address="192.0.2.10")
    redis.delete(names.SOURCES_KEY, names.EDGE_RECORDS_KEY)
    with records.made_whole():
        records.write_all()
    assert helpers.records(names.SOURCES_KEY)["out-1"]["address"] == "192.0.2.10"


def test_a_change_that_redis_did_not_hear_of_is_known_to_be_missing():
    sources.create("ada", sources.Facts("out-1"))
    assert lanes.are_current()
    OperatorAction.create(operator="ada", action="pause lane", target="*|google")
    assert not lanes.are_current()
    lanes.write()
    assert lanes.are_current()
