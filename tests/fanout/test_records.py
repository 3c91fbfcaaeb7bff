"""The clock gives edges what Redis lacks."""

import threading

import pytest

from sidecars import names
from sidecars.edge.store import redis
from sidecars.fanout.__main__ import keep_time
from sidecars.models import LanePolicy, OperatorAction, database
from tests.lanes import forget_lanes, records
from tests.support import wait_for


@pytest.fixture
def _clock(stack):
    forget_lanes()
    stopping = threading.Event()
    clock = threading.Thread(target=keep_time, args=(stopping,))
    clock.start()
    yield
    stopping.set()
    clock.join()
    forget_lanes()


@pytest.mark.usefixtures("_clock")
def test_a_change_that_was_made_while_redis_was_away_is_written_when_it_is_back():
    with database.atomic():
        LanePolicy.create(provider="google", connections=5)
        OperatorAction.create(operator="ada", action="put policy", target="google")
    wait_for(lambda: records(names.LANE_POLICIES_KEY).get("google", {}).get("connections") == 5)


@pytest.mark.usefixtures("_clock")
def test_all_of_it_is_written_when_redis_lost_everything():
    LanePolicy.create(provider="yahoo", connections=3)
    wait_for(lambda: redis.exists(names.EDGE_RECORDS_KEY))
    redis.delete(names.EDGE_RECORDS_KEY, names.LANE_POLICIES_KEY, names.LANES_VERSION_KEY)
    wait_for(lambda: "yahoo" in records(names.LANE_POLICIES_KEY))
