from threading import Barrier, Thread

import pytest

from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.settle import Settlement, settle
from sidecars.broadcasts.states import Reason, SendState
from sidecars.models import Send, database

S = SendState


@pytest.fixture
def sends(planned):
    broadcast = planned(6)
    return list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))


def report(send, to, reason=Reason.NONE, attempts=1, edge="edge-1"):
    return Settlement(send.broadcast_id, send.contact_id, to, reason, attempts, edge)


def accept(*sends):
    return move_sends(
        sends[0].broadcast_id, [send.contact_id for send in sends], {S.PLANNED}, S.ACCEPTED, edge=3
    )


def now_of(send):
    return Send.get(Send.message_id == send.message_id)


def test_a_report_moves_its_send_once_however_often_it_comes(sends):
    first, second, *_ = sends
    accept(first, second)
    reports = [report(first, S.DELIVERED), report(second, S.BOUNCED, Reason.HARD_BOUNCE, attempts=2)]
    assert settle(reports) == 2
    assert settle(reports) == 0
    assert settle(reports + reports) == 0
    bounced = now_of(second)
    assert (bounced.state, bounced.reason, bounced.attempts) == (S.BOUNCED, Reason.HARD_BOUNCE, 2)
    assert bounced.settled_at >= bounced.accepted_at > 0


def test_a_report_that_comes_before_the_workers_update_is_not_overwritten_by_it(sends):
    first, *_ = sends
    assert settle([report(first, S.DELIVERED)]) == 1
    assert accept(first) == 0
    delivered = now_of(first)
    assert (delivered.state, delivered.accepted_at > 0) == (S.DELIVERED, True)


def test_a_deferral_proves_that_the_edge_has_the_mail(sends):
    first, *_ = sends
    assert settle([report(first, S.ACCEPTED, attempts=2)]) == 1
    assert (now_of(first).state, now_of(first).settled_at) == (S.ACCEPTED, 0)
    assert settle([report(first, S.ACCEPTED, attempts=3)]) == 0


def test_a_deferral_that_overtakes_the_workers_update_says_which_edge_has_the_mail(sends):
    first, second, *_ = sends
    settle([report(first, S.ACCEPTED, edge="edge-1"), report(second, S.ACCEPTED, edge="edge-2")])
    assert (now_of(first).edge, now_of(second).edge) == (edge_id("edge-1"), edge_id("edge-2"))


def test_a_dsn_that_follows_in_the_same_batch_wins_in_any_order(sends):
    first, second, *_ = sends
    late = [report(send, S.BOUNCED, Reason.LATE_DSN) for send in (first, second)]
    delivered = [report(send, S.DELIVERED) for send in (first, second)]
    assert settle([late[0], delivered[0], delivered[1], late[1]]) == 4
    assert {now_of(first).state, now_of(second).state} == {S.BOUNCED}


def test_a_bounced_mail_stays_bounced(sends):
    first, *_ = sends
    settle([report(first, S.BOUNCED, Reason.BLOCKED)])
    assert settle([report(first, S.DELIVERED), report(first, S.ACCEPTED), report(first, S.UNKNOWN)]) == 0
    assert (now_of(first).state, now_of(first).reason) == (S.BOUNCED, Reason.BLOCKED)


def test_an_unknown_fate_is_cleared_up_by_a_later_report(sends):
    first, *_ = sends
    accept(first)
    settle([report(first, S.UNKNOWN)])
    assert now_of(first).state == S.UNKNOWN
    assert settle([report(first, S.DELIVERED)]) == 1


@pytest.mark.parametrize("taken_for_unsent", [S.SKIPPED, S.CANCELLED, S.REJECTED])
def test_a_report_corrects_what_was_taken_for_unsent(sends, taken_for_unsent):
    first, *_ = sends
    move_sends(first.broadcast_id, [first.contact_id], {S.PLANNED}, taken_for_unsent)
    assert settle([report(first, S.DELIVERED)]) == 1
    assert now_of(first).state == S.DELIVERED


def test_a_state_that_no_report_leads_to_is_refused(sends):
    with pytest.raises(ValueError, match="PLANNED"):
        settle([report(sends[0], S.PLANNED)])


def test_reports_of_many_at_once_from_many_processes_count_each_mail_once(planned):
    broadcast = planned(300)
    sends = list(Send.select().where(Send.broadcast_id == broadcast.id))
    reports = [report(send, S.DELIVERED) for send in sends]
    moved, together = [], Barrier(4)

    def work(order):
        with database.connection_context():
            together.wait()
            moved.append(settle(reports[::order]))

    workers = [Thread(target=work, args=(order,)) for order in (1, -1, 1, -1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(moved) == 300
    assert counts(broadcast.id)["delivered"] == 300
