from datetime import timedelta
from types import SimpleNamespace

import orjson
import pytest

from sidecars import names
from sidecars.broadcasts import plan as planning
from sidecars.broadcasts.clock import tick
from sidecars.broadcasts.control import cancel, pause, resume, stop
from sidecars.broadcasts.errors import WrongState
from sidecars.broadcasts.ledger import counts, progress
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.plan import plan, plan_chunk
from sidecars.broadcasts.publish import publish
from sidecars.broadcasts.settle import Settlement, settle
from sidecars.broadcasts.slices import claim_slice, close
from sidecars.broadcasts.states import Reason, SendState
from sidecars.edge.store import redis
from sidecars.models import Broadcast, SendSlice, now


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=5))


def state(broadcast):
    return Broadcast.get_by_id(broadcast.id).state


def held(broadcast):
    """How the edges are told to hold it back; None: they are not."""
    record = redis.hget(names.BROADCASTS_HELD_KEY, broadcast.id)
    return record and orjson.loads(record)["action"]


def hand_over(broadcast):
    """As a worker whose edge takes all of one slice."""
    piece = claim_slice(broadcast.id)
    move_sends(broadcast.id, piece.contact_ids, {SendState.PLANNED}, SendState.ACCEPTED, edge=1)
    close(piece)
    return piece.contact_ids


def report(broadcast, contact_ids, to):
    settle(Settlement(broadcast.id, contact_id, to, Reason.NONE, 1, "edge-1") for contact_id in contact_ids)


def test_a_pause_holds_sending_until_it_is_resumed(planned, wakeups):
    broadcast = planned(5)
    pause(broadcast.id)
    assert (state(broadcast), claim_slice(broadcast.id)) == ("paused", None)
    wakeups.clear()
    resume(broadcast.id)
    assert wakeups == [("send", broadcast.id)]
    assert claim_slice(broadcast.id) is not None


def test_a_pause_during_planning_holds_planning(people, draft, wakeups):
    group = people(10)
    broadcast = publish(draft(group.audience).id)
    plan_chunk(broadcast.id, 5)
    pause(broadcast.id)
    plan(broadcast.id)
    assert (state(broadcast), counts(broadcast.id)["total"]) == ("paused", 5)
    resume(broadcast.id)
    assert (state(broadcast), wakeups[-1]) == ("planning", ("plan", broadcast.id))
    plan(broadcast.id)
    assert (state(broadcast), counts(broadcast.id)["total"]) == ("sending", 10)


def test_a_cancel_during_planning_leaves_nobody_planned(people, draft):
    broadcast = publish(draft(people(10).audience).id)
    plan_chunk(broadcast.id, 5)
    cancel(broadcast.id)
    plan(broadcast.id)
    found = counts(broadcast.id)
    assert (state(broadcast), found["cancelled"], found["total"]) == ("cancelled", 5, 5)
    assert Broadcast.get_by_id(broadcast.id).finished_at is not None


def test_what_cannot_be_paused_or_resumed_says_its_state(people, draft, planned):
    with pytest.raises(WrongState, match="draft"):
        pause(draft(people(1).audience).id)
    with pytest.raises(WrongState, match="sending"):
        resume(planned(1).id)


def test_a_cancelled_broadcast_sends_nothing_more_and_its_books_add_up(planned):
    broadcast = planned(12)
    cancel(broadcast.id)
    found = counts(broadcast.id)
    assert (found["cancelled"], found["planned"], found["total"]) == (12, 0, 12)
    assert progress(broadcast.id).reasons == {"cancelled": 12}
    ended = Broadcast.get_by_id(broadcast.id)
    assert (ended.state, ended.finished_at is not None) == ("cancelled", True)
    with pytest.raises(WrongState):
        cancel(broadcast.id)


def test_a_worker_keeps_the_slice_it_holds_and_the_clock_cancels_what_it_left(planned):
    broadcast = planned(10)
    piece = claim_slice(broadcast.id)
    cancel(broadcast.id)
    assert (counts(broadcast.id)["claimed"], counts(broadcast.id)["cancelled"]) == (5, 5)
    assert Broadcast.get_by_id(broadcast.id).finished_at is None
    SendSlice.update(lease_until=now() - timedelta(seconds=1)).where(SendSlice.lo == piece.lo).execute()
    tick()
    assert counts(broadcast.id)["cancelled"] == 10
    assert Broadcast.get_by_id(broadcast.id).finished_at is not None


def test_the_edges_are_told_what_is_held_back_and_told_again_when_redis_forgot(planned):
    paused, cancelled, stopped = planned(1), planned(1), planned(1)
    pause(paused.id)
    cancel(cancelled.id)
    stop(stopped.id, "Too many bounced.")
    told = ["pause", "cancel", "cancel"]
    assert [held(each) for each in (paused, cancelled, stopped)] == told
    redis.delete(names.BROADCASTS_HELD_KEY)
    tick()
    assert [held(each) for each in (paused, cancelled, stopped)] == told
    resume(paused.id)
    assert held(paused) is None
    week_ago = now() - timedelta(days=7, minutes=1)
    Broadcast.update(finished_at=week_ago).where(Broadcast.id == cancelled.id).execute()
    tick()
    assert [held(each) for each in (cancelled, stopped)] == [None, "cancel"]


def test_what_edges_have_of_a_cancelled_broadcast_is_cancelled_as_they_say_so(planned):
    broadcast = planned(10)
    ids = hand_over(broadcast)
    cancel(broadcast.id)
    found = counts(broadcast.id)
    assert (found["accepted"], found["cancelled"]) == (5, 5)
    report(broadcast, ids[:2], SendState.DELIVERED)
    report(broadcast, ids, SendState.CANCELLED)
    found = counts(broadcast.id)
    assert (found["delivered"], found["cancelled"], found["total"]) == (2, 8, 10)


def test_a_broadcast_that_was_sent_is_held_back_while_an_edge_has_mails_of_it(planned):
    broadcast = planned(5)
    ids = hand_over(broadcast)
    assert state(broadcast) == "sent"
    pause(broadcast.id)
    assert (state(broadcast), held(broadcast)) == ("paused", "pause")
    resume(broadcast.id)
    tick()
    assert (state(broadcast), held(broadcast)) == ("sent", None)
    cancel(broadcast.id)
    assert (state(broadcast), held(broadcast)) == ("cancelled", "cancel")
    report(broadcast, ids, SendState.CANCELLED)
    assert counts(broadcast.id)["cancelled"] == 5
    assert Broadcast.get_by_id(broadcast.id).finished_at is not None


def test_a_broadcast_of_which_no_edge_has_a_mail_cannot_be_held_back(planned):
    broadcast = planned(5)
    report(broadcast, hand_over(broadcast), SendState.DELIVERED)
    for hold_back in (pause, cancel, lambda id_: stop(id_, "Too late.")):
        with pytest.raises(WrongState, match="sent"):
            hold_back(broadcast.id)


def test_a_policy_stops_a_broadcast_with_its_reason(planned):
    broadcast = planned(3)
    stop(broadcast.id, "More than 5 % of the first 1,000 bounced.")
    stopped = Broadcast.get_by_id(broadcast.id)
    assert (stopped.state, stopped.reason) == ("stopped", "More than 5 % of the first 1,000 bounced.")
    assert counts(broadcast.id)["cancelled"] == 3
