import pytest

from sidecars.broadcasts import wakeups
from sidecars.fanout.app import huey, import_contacts, send_broadcast_job, send_broadcast_to_contacts


@pytest.fixture(autouse=True)
def empty_queue(stack):
    huey.storage.flush_queue()
    yield
    huey.storage.flush_queue()


def test_calling_a_task_queues_it_under_its_name():
    for task in (send_broadcast_job, send_broadcast_to_contacts, import_contacts):
        task(7)
    queued = [(type(task).__name__, task.args) for task in huey.pending()]
    assert queued == [
        ("SendBroadcastJob", (7,)),
        ("SendBroadcastToContacts", (7,)),
        ("ImportContacts", (7,)),
    ]


def test_the_ledgers_wakeups_reach_the_queue():
    wakeups.plan_soon(8)
    wakeups.send_soon(9)
    queued = [(type(task).__name__, task.args) for task in huey.pending()]
    assert queued == [("SendBroadcastJob", (8,)), ("SendBroadcastToContacts", (9,))]
