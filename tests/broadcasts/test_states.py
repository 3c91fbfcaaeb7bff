import pytest

from sidecars.broadcasts.states import (
    BROADCAST_MOVES,
    SEND_MOVES,
    BroadcastState,
    ForbiddenMove,
    Reason,
    SendState,
    as_mermaid,
    check_broadcast_move,
    check_send_move,
    states_before,
)


@pytest.mark.parametrize("moves", [SEND_MOVES, BROADCAST_MOVES])
def test_every_state_stands_in_its_table_and_can_be_reached(moves):
    states = set(type(next(iter(moves))))
    assert set(moves) == states
    reached, waiting = set(), [next(iter(moves))]
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting += moves[state] - reached
    assert reached == states


def test_a_report_of_the_edge_may_overtake_the_workers_own_update():
    assert SendState.PLANNED in states_before(SendState.DELIVERED)
    assert SendState.PLANNED in states_before(SendState.BOUNCED)
    assert SendState.PLANNED in states_before(SendState.UNKNOWN)


def test_the_workers_update_never_overwrites_a_report():
    assert states_before(SendState.ACCEPTED) == {SendState.PLANNED}


def test_a_report_wins_over_what_was_decided_of_a_mail_taken_for_unsent():
    decided = {SendState.SKIPPED, SendState.CANCELLED, SendState.REJECTED}
    assert decided <= states_before(SendState.DELIVERED)
    assert decided <= states_before(SendState.BOUNCED)
    assert decided <= states_before(SendState.UNKNOWN)


def test_claimed_is_never_asked_for_since_it_is_not_stored():
    assert all(SendState.CLAIMED not in states_before(state) for state in SendState)


def test_only_a_late_dsn_moves_a_delivered_mail_and_nothing_a_bounced_one():
    assert SEND_MOVES[SendState.DELIVERED] == {SendState.BOUNCED}
    assert SEND_MOVES[SendState.BOUNCED] == frozenset()


def test_an_unknown_fate_is_cleared_up_and_never_forgotten():
    assert SEND_MOVES[SendState.UNKNOWN] == {SendState.DELIVERED, SendState.BOUNCED}


def test_a_move_outside_the_table_is_refused():
    with pytest.raises(ForbiddenMove, match="BOUNCED does not lead to DELIVERED"):
        check_send_move({SendState.ACCEPTED, SendState.BOUNCED}, SendState.DELIVERED)
    with pytest.raises(ForbiddenMove, match="SENT does not lead to PLANNING"):
        check_broadcast_move({BroadcastState.SENT}, BroadcastState.PLANNING)


def test_codes_fit_their_columns_and_are_told_apart():
    assert {int(state) for state in SendState} == set(range(1, 10))
    assert all(0 <= reason <= 255 for reason in Reason)


def test_the_drawing_holds_every_move_once():
    lines = as_mermaid(BROADCAST_MOVES).splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert "    [*] --> draft" in lines
    assert "    paused --> sending" in lines
    assert "    cancelled --> [*]" in lines
    assert len(lines) == len(set(lines))
