"""Slices handed to the real edge, whose mail goes to the simulator."""

from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
import requests

from sidecars import names
from sidecars.broadcasts import compose as composing
from sidecars.broadcasts import handover
from sidecars.broadcasts.handover import send_next_slice, send_slice
from sidecars.broadcasts.ledger import counts, progress
from sidecars.broadcasts.moves import move_sends, put_back
from sidecars.broadcasts.plan import plan
from sidecars.broadcasts.publish import publish
from sidecars.broadcasts.settle import Settlement, settle
from sidecars.broadcasts.slices import claim_slice
from sidecars.broadcasts.states import Reason, SendState
from sidecars.edge import records, submit
from sidecars.edge.messages import Attribution, resolve
from sidecars.edge.store import redis
from sidecars.models import Broadcast, Contact, Edge, Send, SendSlice, Suppression, now
from tests.sending import make_draft, make_people, make_team
from tests.support import wait_for

S = SendState


@pytest.fixture(scope="module")
def edge(stack):
    stack.start_processes("simulator", "smtp")
    yield
    submit.pool().close()
    submit.pool.cache_clear()
    stack.stop_processes("smtp", "simulator")


@pytest.fixture
def sending(edge, team, planned):
    """`sending(n)`: a broadcast to n people whose domain the edge knows."""
    records.write_domain(team.domain.id)
    return planned


@pytest.fixture
def received(stack):
    """The simulator's receipts of a broadcast's mails."""

    def ask(broadcast, kind="accepted"):
        url = f"http://127.0.0.1:{stack.ports['simulator_http']}/receipts.ndjson"
        answer = requests.get(url, params={"broadcast_id": broadcast.id, "kind": kind}, timeout=10)
        return answer.text.splitlines()

    return ask


def sends(broadcast):
    return list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))


def due(broadcast):
    SendSlice.update(not_before=now()).where(SendSlice.broadcast == broadcast).execute()


def test_a_slice_is_handed_over_and_the_broadcast_is_sent(sending, received, wakeups):
    broadcast = sending(20)
    wakeups.clear()
    send_next_slice(broadcast.id)
    rows = sends(broadcast)
    assert {row.state for row in rows} == {S.ACCEPTED}
    assert all(row.accepted_at for row in rows)
    assert Broadcast.get_by_id(broadcast.id).state == "sent"
    assert wakeups == [("send", broadcast.id)], "another worker is called for the next slice"
    wait_for(lambda: len(received(broadcast)) == 20)


def test_an_event_can_never_come_before_the_edge_and_redis_know_whose_mail_it_is(sending):
    broadcast = sending(2)
    send_next_slice(broadcast.id)
    for row in sends(broadcast):
        whose = Attribution(row.team_id, broadcast.id, row.contact_id, row.variant_id)
        assert resolve([row.message_id]) == {row.message_id: whose}
        message_id, edge, _ = redis.get(names.broadcast_claim_key(broadcast.id, row.contact_id)).split(":")
        assert (message_id, edge) == (str(row.message_id), Edge.get_by_id(row.edge).name)


def test_a_worker_that_died_before_it_wrote_the_answers_down_costs_nobody_a_second_mail(
    sending, received, monkeypatch
):
    broadcast = sending(10)

    def die(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(handover, "_write_down", die)
        with pytest.raises(KeyboardInterrupt):
            send_slice(claim_slice(broadcast.id))
    assert counts(broadcast.id)["planned"] == 10
    due(broadcast)
    send_next_slice(broadcast.id)
    assert counts(broadcast.id)["accepted"] == 10
    wait_for(lambda: len(received(broadcast)) == 10)


def test_whoever_left_since_the_planning_gets_no_mail(team, sending, received):
    broadcast = sending(6)
    unsubscribed, suppressed, paused, deleted, *others = [row.contact_id for row in sends(broadcast)]
    left = {"status": "unsubscribed", "unsubscribed_at": now()}
    Contact.update(left).where(Contact.id == unsubscribed).execute()
    Suppression.create(team=team.row, email=Contact.get_by_id(suppressed).email, reason="complaint")
    pause = {"reason": "pause", "stream": "broadcast", "expires_at": now() + timedelta(days=7)}
    Suppression.create(team=team.row, email=Contact.get_by_id(paused).email, **pause)
    Contact.delete().where(Contact.id == deleted).execute()
    send_next_slice(broadcast.id)
    found = {row.contact_id: (row.state, row.reason) for row in sends(broadcast)}
    assert found == {
        unsubscribed: (S.SKIPPED, Reason.UNSUBSCRIBED),
        suppressed: (S.SKIPPED, Reason.SUPPRESSED),
        paused: (S.SKIPPED, Reason.PAUSED),
        deleted: (S.SKIPPED, Reason.INVALID),
        **dict.fromkeys(others, (S.ACCEPTED, Reason.NONE)),
    }
    assert Broadcast.get_by_id(broadcast.id).state == "sent"
    wait_for(lambda: len(received(broadcast)) == 2)


def test_one_mail_that_cannot_be_composed_is_rejected_and_stops_no_other(sending):
    broadcast = sending(3)
    broken, *others = sends(broadcast)
    Contact.update(email="not an address").where(Contact.id == broken.contact_id).execute()
    send_next_slice(broadcast.id)
    assert counts(broadcast.id)["accepted"] == len(others)
    assert progress(broadcast.id).reasons == {"compose_failed": 1}
    assert Broadcast.get_by_id(broadcast.id).state == "sent"


def test_a_variant_that_cannot_be_compiled_rejects_nobody_and_is_tried_again(sending, monkeypatch):
    broadcast = sending(3)

    def fail(*arguments, **options):
        raise RuntimeError("a fault of the program")

    with monkeypatch.context() as patch:
        patch.setattr(composing, "compile_mail", fail)
        with pytest.raises(RuntimeError):
            send_next_slice(broadcast.id)
    assert counts(broadcast.id)["planned"] == 3
    due(broadcast)
    send_next_slice(broadcast.id)
    assert counts(broadcast.id)["accepted"] == 3


def test_what_the_edge_refuses_for_good_is_rejected_with_the_reason(sending, monkeypatch):
    broadcast = sending(1)
    with monkeypatch.context() as patch:
        # The edge holds a claim against the ids of its mail.
        patch.setattr(names, "broadcast_claim_key", lambda *ids: "BROADCAST:0:0")
        send_next_slice(broadcast.id)
    assert progress(broadcast.id).reasons == {"refused_by_edge": 1}
    assert Broadcast.get_by_id(broadcast.id).state == "sent"


def test_what_the_edge_cannot_take_now_stays_planned_and_the_slice_rests(edge, team, planned):
    broadcast = planned(3)  # of a domain whose key the edge has not heard of
    send_next_slice(broadcast.id)
    piece = SendSlice.get(SendSlice.broadcast == broadcast)
    assert (piece.state, piece.attempts, piece.not_before > now()) == ("open", 1, True)
    assert counts(broadcast.id)["planned"] == 3
    records.write_domain(team.domain.id)

    def taken():
        due(broadcast)
        send_next_slice(broadcast.id)
        return counts(broadcast.id)["accepted"] == 3

    wait_for(taken)


def test_a_broadcast_that_has_to_wait_rests_and_others_go_on(edge, planned):
    waiting = planned(3)
    send_next_slice(waiting.id)
    due(waiting)
    send_next_slice(waiting.id)
    assert SendSlice.get(SendSlice.broadcast == waiting).attempts == 1

    team = make_team()
    records.write_domain(team.domain.id)
    another = publish(make_draft(team, make_people(team, 2).audience).id)
    plan(another.id)
    send_next_slice(another.id)
    assert counts(another.id)["accepted"] == 2


def test_a_mail_that_another_edge_has_is_written_down_as_that_edges(sending, received):
    broadcast = sending(3)
    elsewhere, *others = sends(broadcast)
    claim_key = names.broadcast_claim_key(broadcast.id, elsewhere.contact_id)
    redis.set(claim_key, f"{elsewhere.message_id}:edge-9:{uuid4()}")
    send_next_slice(broadcast.id)
    edges = [Edge.get_by_id(row.edge).name for row in sends(broadcast)]
    assert edges[0] == "edge-9"
    assert set(edges[1:]) == {"edge-1"}
    assert Broadcast.get_by_id(broadcast.id).state == "sent"
    wait_for(lambda: len(received(broadcast)) == len(others))


def test_what_a_lost_edge_had_of_a_slice_is_not_taken_for_sent_with_the_rest_of_it(sending, monkeypatch):
    broadcast = sending(2)
    lost, other = (row.contact_id for row in sends(broadcast))
    move_sends(broadcast.id, [lost], {S.PLANNED}, S.ACCEPTED, edge=1)
    submit_to_edge = handover.pool().submit

    def put_back_meanwhile(mails):
        assert [mail.whose.contact_id for mail in mails] == [other]
        put_back(broadcast.id, [lost])
        return submit_to_edge(mails)

    monkeypatch.setattr(handover, "pool", lambda: SimpleNamespace(submit=put_back_meanwhile))
    send_next_slice(broadcast.id)
    assert [row.state for row in sends(broadcast)] == [S.PLANNED, S.ACCEPTED]


def test_a_mail_whose_fate_is_unknown_is_not_submitted_again_and_holds_up_no_end(sending):
    broadcast = sending(2)
    lost, _ = sends(broadcast)
    settle([Settlement(broadcast.id, lost.contact_id, S.UNKNOWN)])
    send_next_slice(broadcast.id)
    assert (counts(broadcast.id)["unknown"], counts(broadcast.id)["accepted"]) == (1, 1)
    assert Broadcast.get_by_id(broadcast.id).state == "sent"


def test_a_mail_that_an_event_already_settled_is_not_submitted_again(sending, received):
    broadcast = sending(2)
    first, _ = sends(broadcast)
    Send.update(state=S.DELIVERED).where(Send.message_id == first.message_id).execute()
    send_next_slice(broadcast.id)
    assert (counts(broadcast.id)["delivered"], counts(broadcast.id)["accepted"]) == (1, 1)
    wait_for(lambda: len(received(broadcast)) == 1)
