import pytest

from sidecars.broadcasts.moves import move_broadcast, move_sends
from sidecars.broadcasts.states import BroadcastState, ForbiddenMove, Reason, SendState
from sidecars.models import Broadcast, Send

B, S = BroadcastState, SendState


@pytest.fixture
def sends(planned):
    broadcast = planned(3)
    return list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))


def move(send, leaving, to, *reason, **fields):
    moved = move_sends(send.broadcast_id, [send.contact_id], leaving, to, *reason, **fields)
    return moved, Send.get(Send.message_id == send.message_id)


def test_a_broadcast_moves_only_from_the_states_that_are_named(people, draft):
    broadcast = draft(people(1).audience)
    assert not move_broadcast(broadcast.id, {B.SCHEDULED}, B.PLANNING)
    assert move_broadcast(broadcast.id, {B.DRAFT}, B.PLANNING)
    assert not move_broadcast(broadcast.id, {B.DRAFT}, B.PLANNING)


def test_conditions_hold_a_broadcast_and_fields_come_with_its_move(people, draft):
    broadcast = draft(people(1).audience)
    assert not move_broadcast(broadcast.id, {B.DRAFT}, B.PLANNING, Broadcast.name == "another", name="moved")
    assert move_broadcast(broadcast.id, {B.DRAFT}, B.PLANNING, Broadcast.name == "Spring", name="moved")
    assert Broadcast.get_by_id(broadcast.id).name == "moved"


def test_moves_outside_the_tables_are_refused_before_anything_is_written(sends):
    with pytest.raises(ForbiddenMove):
        move_broadcast(sends[0].broadcast_id, {B.SENDING}, B.DRAFT)
    with pytest.raises(ForbiddenMove):
        move(sends[0], {S.PLANNED, S.BOUNCED}, S.DELIVERED)
    assert Send.get(Send.message_id == sends[0].message_id).state == S.PLANNED


def test_only_the_named_sends_move(sends):
    first, second, third = sends
    contact_ids = [first.contact_id, second.contact_id, third.contact_id + 1]
    assert move_sends(first.broadcast_id, contact_ids, {S.PLANNED}, S.SKIPPED, Reason.INVALID) == 2
    assert Send.get(Send.message_id == third.message_id).state == S.PLANNED
    assert move_sends(first.broadcast_id, [], {S.PLANNED}, S.SKIPPED) == 0


def test_a_range_moves_whoever_in_it_stands_in_the_state_that_is_left(sends):
    first, second, third = sends
    move(second, {S.PLANNED}, S.SKIPPED, Reason.UNSUBSCRIBED)
    everyone = range(first.contact_id, third.contact_id + 100)
    assert move_sends(first.broadcast_id, everyone, {S.PLANNED}, S.ACCEPTED, edge=3) == 2
    states = [Send.get(Send.message_id == send.message_id).state for send in sends]
    assert states == [S.ACCEPTED, S.SKIPPED, S.ACCEPTED]
    assert move_sends(first.broadcast_id, range(5, 5), {S.PLANNED}, S.ACCEPTED) == 0


def test_the_edge_and_the_moment_of_acceptance_are_kept_to_the_end(sends):
    _, accepted = move(sends[0], {S.PLANNED}, S.ACCEPTED, edge=3)
    assert (accepted.edge, accepted.accepted_at > 0, accepted.settled_at) == (3, True, 0)
    Send.update(accepted_at=1000).where(Send.message_id == accepted.message_id).execute()
    _, bounced = move(sends[0], {S.ACCEPTED}, S.BOUNCED, Reason.BLOCKED, attempts=4)
    assert (bounced.edge, bounced.accepted_at, bounced.reason, bounced.attempts) == (
        3,
        1000,
        Reason.BLOCKED,
        4,
    )
    assert bounced.settled_at > 1000


def test_what_was_never_handed_over_has_no_moment_of_acceptance(sends):
    _, skipped = move(sends[0], {S.PLANNED}, S.SKIPPED, Reason.UNSUBSCRIBED)
    assert (skipped.accepted_at, skipped.settled_at > 0) == (0, True)


def test_attempts_never_go_back_and_fit_their_column(sends):
    move(sends[0], {S.PLANNED}, S.ACCEPTED, attempts=5)
    _, delivered = move(sends[0], {S.ACCEPTED}, S.DELIVERED, attempts=2)
    assert delivered.attempts == 5
    assert move(sends[1], {S.PLANNED}, S.BOUNCED, attempts=9000)[1].attempts == 255
