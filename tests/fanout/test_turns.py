"""Broadcasts take turns at the workers: a short one is not stuck behind a long one."""

from types import SimpleNamespace

import pytest

from sidecars.broadcasts import plan as planning
from sidecars.broadcasts import wakeups
from sidecars.broadcasts.publish import publish
from sidecars.fanout.app import huey
from sidecars.models import Broadcast, SendSlice

SLICE = 5


@pytest.fixture(autouse=True)
def small_portions(monkeypatch):
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=SLICE))
    monkeypatch.setattr(planning, "CHUNK", 2 * SLICE)


@pytest.fixture(autouse=True)
def empty_queue(processes, no_fanout):
    """No fan-out runs: this test is its one worker, task by task, and there is no clock."""
    from sidecars.edge import submit

    huey.storage.flush_queue()
    yield
    huey.storage.flush_queue()
    submit.pool().close()
    submit.pool.cache_clear()


def work(tasks):
    for _ in range(tasks):
        huey.execute(huey.dequeue())


def work_until(state, broadcast):
    """Returns how many tasks it took."""
    tasks = 0
    while Broadcast.get_by_id(broadcast.id).state != state:
        work(1)
        tasks += 1
    return tasks


def slices_done(broadcast):
    return SendSlice.select().where(SendSlice.broadcast == broadcast, SendSlice.state == "done").count()


def test_while_a_long_broadcast_is_planned_a_short_one_is_planned_and_sent(sending):
    long, short = sending(100), sending(3)
    publish(long.id)
    work(2)
    publish(short.id)
    # A chunk, the end of planning, a slice; before each of them one chunk of the long one.
    assert work_until("sent", short) <= 2 * 3
    assert Broadcast.get_by_id(long.id).state == "planning"


@pytest.mark.parametrize("workers", [1, 4])
def test_while_a_long_broadcast_is_sent_a_short_one_waits_for_a_slice_a_worker(sending, workers):
    long, short = sending(200), sending(3)
    publish(long.id)
    work_until("sending", long)
    for _ in range(workers - 1):
        wakeups.send_soon(long.id)  # as the clock adds one while tasks are fewer than workers
    work(workers)
    before = slices_done(long)
    publish(short.id)
    work_until("sent", short)
    assert slices_done(long) - before <= 3 * workers
    assert Broadcast.get_by_id(long.id).state == "sending"
