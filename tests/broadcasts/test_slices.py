from datetime import timedelta
from threading import Barrier, Thread
from types import SimpleNamespace

import pytest

from sidecars.broadcasts import plan as planning
from sidecars.broadcasts.clock import open_expired
from sidecars.broadcasts.control import pause
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.slices import (
    claim_slice,
    close,
    hand_back,
    held,
    open_again,
    pause_seconds,
    renew_leases,
    take_slice,
)
from sidecars.broadcasts.states import SendState
from sidecars.models import Broadcast, Send, SendSlice, database, now

S = SendState
HOUR = 3600


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=5))


def stored(piece):
    return SendSlice.get(SendSlice.broadcast == piece.broadcast_id, SendSlice.lo == piece.lo)


def accept_all(piece):
    rows = Send.select().where(
        Send.broadcast_id == piece.broadcast_id, Send.contact_id.between(piece.lo, piece.hi)
    )
    move_sends(piece.broadcast_id, [row.contact_id for row in rows], {S.PLANNED}, S.ACCEPTED)


def expire(piece):
    SendSlice.update(lease_until=now() - timedelta(seconds=1)).where(
        SendSlice.broadcast == piece.broadcast_id, SendSlice.lo == piece.lo
    ).execute()


def test_workers_at_once_never_claim_one_slice_twice(planned):
    broadcast = planned(100)
    claimed, together = [], Barrier(6)

    def work():
        with database.connection_context():
            together.wait()
            while piece := claim_slice(broadcast.id):
                claimed.append(piece)

    workers = [Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(claimed) == 20
    assert len({piece.lo for piece in claimed}) == 20
    assert all(stored(piece).claim == piece.claim for piece in claimed)


def test_only_a_broadcast_that_is_being_sent_has_slices_to_claim(planned):
    broadcast = planned(5)
    pause(broadcast.id)
    assert claim_slice(broadcast.id) is None


def test_a_slice_is_done_when_none_of_its_sends_is_planned_and_the_last_ends_the_broadcast(planned):
    broadcast = planned(10)
    first, second = claim_slice(broadcast.id), claim_slice(broadcast.id)
    assert not close(first)
    accept_all(first)
    assert close(first)
    assert (stored(first).state, stored(first).claim) == ("done", None)
    assert Broadcast.get_by_id(broadcast.id).state == "sending"
    accept_all(second)
    assert close(second)
    finished = Broadcast.get_by_id(broadcast.id)
    assert (finished.state, finished.finished_at is not None) == ("sent", True)


def test_a_dead_workers_slice_is_opened_when_its_lease_is_over_and_not_before(planned):
    broadcast = planned(5)
    dead = claim_slice(broadcast.id)
    assert open_expired(broadcast.id) == 0
    assert claim_slice(broadcast.id) is None
    expire(dead)
    assert open_expired(broadcast.id) == 1
    heir = claim_slice(broadcast.id)
    assert (heir.lo, heir.attempts) == (dead.lo, 2)
    assert heir.claim != dead.claim


def test_a_worker_that_lost_its_lease_can_neither_close_nor_open_the_slice(planned):
    broadcast = planned(5)
    slow = claim_slice(broadcast.id)
    expire(slow)
    open_expired(broadcast.id)
    heir = claim_slice(broadcast.id)
    accept_all(slow)
    assert not close(slow)
    open_again(slow)
    assert stored(heir).claim == heir.claim
    assert close(heir)


def test_a_slice_that_came_back_rests_longer_each_time(planned):
    assert [pause_seconds(n) for n in (1, 2, 3, 7, 60_000)] == [0.5, 1, 2, 30, 30]
    broadcast = planned(5)
    open_again(claim_slice(broadcast.id))
    assert claim_slice(broadcast.id) is None
    SendSlice.update(not_before=now()).where(SendSlice.broadcast == broadcast).execute()
    assert claim_slice(broadcast.id).attempts == 2


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_clock_that_jumps_ends_every_lease_and_rest_instead_of_keeping_some_for_hours(
    planned, jump, seconds
):
    broadcast = planned(10)
    claim_slice(broadcast.id)
    open_again(claim_slice(broadcast.id))
    jump(seconds)
    assert open_expired(broadcast.id) == 1
    assert claim_slice(broadcast.id)
    assert claim_slice(broadcast.id)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_worker_that_lives_keeps_its_slice_when_the_clock_jumps(planned, jump, seconds):
    broadcast = planned(5)
    with held(claim_slice(broadcast.id)):
        jump(seconds)
        renew_leases()
        assert open_expired(broadcast.id) == 0


def test_a_slice_that_takes_long_is_kept_while_its_worker_lives(planned):
    broadcast = planned(5)
    slow = claim_slice(broadcast.id)
    with held(slow):
        expire(slow)
        renew_leases()
        assert open_expired(broadcast.id) == 0
    expire(slow)
    renew_leases()
    assert open_expired(broadcast.id) == 1, "what nobody holds is not renewed"


def test_a_process_that_stops_hands_back_what_it_holds_for_others_to_take_at_once(planned, wakeups):
    broadcast = planned(5)
    piece = claim_slice(broadcast.id)
    wakeups.clear()
    with held(piece):
        assert hand_back() == 1
        assert wakeups == [("send", broadcast.id)]
        assert take_slice(broadcast.id).lo == piece.lo
    assert hand_back() == 0
