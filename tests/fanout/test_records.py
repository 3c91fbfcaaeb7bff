"""The clock gives edges what Redis lacks, and keeps leases without it."""

import threading
from datetime import timedelta

import pytest

from sidecars import names
from sidecars.broadcasts.control import cancel
from sidecars.broadcasts.plan import plan
from sidecars.broadcasts.publish import publish
from sidecars.broadcasts.slices import claim_slice, held
from sidecars.edge.store import redis
from sidecars.fanout.__main__ import keep_leases, keep_time
from sidecars.models import LanePolicy, OperatorAction, SendSlice, database, now
from sidecars.models.moments import from_now
from tests.lanes import forget_lanes, records
from tests.sending import make_draft, make_people, make_team
from tests.support import frozen, wait_for


@pytest.fixture
def _clock(stack, no_fanout):
    forget_lanes()
    stopping = threading.Event()
    threads = [threading.Thread(target=keep, args=(stopping,)) for keep in (keep_time, keep_leases)]
    for thread in threads:
        thread.start()
    yield
    stopping.set()
    for thread in threads:
        thread.join()
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


@pytest.mark.usefixtures("_clock")
def test_a_redis_that_hangs_ends_no_lease_of_a_worker_that_lives(stack):
    wait_for(lambda: redis.exists(names.EDGE_RECORDS_KEY))
    with database.connection_context():
        team = make_team()
        broadcast = publish(make_draft(team, make_people(team, 1).audience).id)
        plan(broadcast.id)
        slices = SendSlice.select().where(SendSlice.broadcast == broadcast.id)
        with held(claim_slice(broadcast.id)), frozen(service(stack, "redis").daemon):
            for _ in range(2):
                SendSlice.update(lease_until=from_now(60)).where(
                    SendSlice.broadcast == broadcast.id
                ).execute()
                wait_for(lambda: slices.get().lease_until > now() + timedelta(seconds=90))
        cancel(broadcast.id)


def service(stack, name):
    return next(service for service in stack.services if service.name == name)
