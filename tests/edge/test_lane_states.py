"""Lanes as edges tell of them, read and put together."""

import pytest

from sidecars import names
from sidecars.edge import lane_states
from sidecars.edge.lane_states import LaneState, merge
from sidecars.edge.store import redis
from tests.lanes import LANE, forget_lanes, tell


@pytest.fixture
def _clean(connection):
    forget_lanes()
    yield
    forget_lanes()


@pytest.mark.usefixtures("_clean")
def test_every_edges_lanes_are_read_with_its_name():
    tell("edge-1", {}, {"provider": "yahoo"})
    tell("edge-2", {"waiting": 3})
    rows = lane_states.read()
    assert [(row.edges, row.provider, row.waiting) for row in rows] == [
        (["edge-1"], "google", 0),
        (["edge-1"], "yahoo", 0),
        (["edge-2"], "google", 3),
    ]


@pytest.mark.usefixtures("_clean")
def test_an_edge_that_cannot_be_understood_does_not_hide_the_others(caplog):
    redis.set(names.lane_state_key("edge-9"), '[{"source": 1}]', ex=60)
    tell("edge-1", {})
    assert [row.edges for row in lane_states.read()] == [["edge-1"]]
    assert "cannot be read" in caplog.text


@pytest.mark.usefixtures("_clean")
def test_the_days_use_of_a_ceiling_is_read():
    key = names.lane_used_key("out-1", "google", "20261124")
    redis.set(key, 77, ex=60)
    assert lane_states.used("out-1", "google", "2026-11-24") == 77
    assert lane_states.used("out-1", "google", "2026-11-25") == 0


def rows(*differences):
    return [LaneState(**(LANE | each)) for each in differences]


def test_a_lane_of_several_edges_is_one_row():
    (merged,) = merge(
        rows(
            {"edges": ["edge-1"], "waiting": 5, "oldest_wait_s": 2, "delivered": 10},
            {
                "edges": ["edge-2"],
                "waiting": 7,
                "oldest_wait_s": 9,
                "delivered": 20,
                "back_off": {"until": 1, "reason": "421"},
                "warmup": {"used": 90, "ceiling": 100},
                "last_replies": [{"at": 1795514400001, "code": 421, "text": "later"}],
            },
        )
    )
    assert merged.edges == ["edge-1", "edge-2"]
    assert (merged.connections, merged.in_flight, merged.waiting, merged.oldest_wait_s) == (4, 2, 12, 9)
    assert (merged.per_minute, merged.limit_per_minute, merged.connections_limit) == (240, 2400, 10)
    assert merged.delivered == 30
    assert merged.back_off.reason == "421"
    assert merged.warmup.used == 90
    assert [reply.code for reply in merged.last_replies] == [421, 250]


def test_lanes_that_differ_stay_apart():
    merged = merge(rows({}, {"source": "out-2"}, {"provider": "yahoo"}))
    assert [(row.source, row.provider) for row in merged] == [
        ("out-1", "google"),
        ("out-1", "yahoo"),
        ("out-2", "google"),
    ]
