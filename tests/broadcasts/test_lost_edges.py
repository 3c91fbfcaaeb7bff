from collections import Counter
from uuid import uuid4

import orjson
import pytest

from sidecars import names
from sidecars.broadcasts import lost_edges
from sidecars.broadcasts.control import cancel
from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.finish import finish
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.lost_edges import Refused, foresee, forget, standings
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.slices import close, open_again, take_slice
from sidecars.broadcasts.states import Reason, SendState
from sidecars.edge.store import redis
from sidecars.models import Broadcast, OperatorAction, Send, SendSlice

S = SendState


@pytest.fixture(autouse=True)
def _read_enricher(monkeypatch):
    """No enricher runs here."""
    monkeypatch.setattr(lost_edges, "records_waiting", lambda: Counter({names.TOPIC_STATUSES: 0}))


@pytest.fixture
def edge():
    """The name of an edge that nobody else has."""
    name = f"edge-{uuid4().hex[:8]}"
    edge_id(name)
    return name


def sends_of(broadcast):
    return list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))


def claim(edge, sends):
    for send in sends:
        key = names.broadcast_claim_key(send.broadcast_id, send.contact_id)
        redis.set(key, f"{send.message_id}:{edge}:{uuid4()}")


def hand_over(broadcast, edge):
    """All of it to the edge, as a worker does it."""
    while piece := take_slice(broadcast.id):
        claim(edge, [send for send in sends_of(broadcast) if send.contact_id in piece.contact_ids])
        move_sends(broadcast.id, piece.contact_ids, {S.PLANNED}, S.ACCEPTED, edge=edge_id(edge))
        close(piece)
    finish(broadcast.id)


def claims_of(broadcast):
    return list(redis.scan_iter(match=names.broadcast_claim_key(broadcast.id, "*"), count=1000))


def test_what_it_had_is_planned_again_and_its_broadcast_goes_on(planned, edge):
    broadcast, other = planned(6), planned(3)
    hand_over(broadcast, edge)
    hand_over(other, f"{edge}-2")
    settled = sends_of(broadcast)[:2]
    move_sends(broadcast.id, [send.contact_id for send in settled], {S.ACCEPTED}, S.DELIVERED)
    assert Broadcast.get_by_id(broadcast.id).state == "sent"

    (foreseen,) = foresee(edge)
    assert (foreseen.broadcast_id, foreseen.accepted, foreseen.becomes) == (broadcast.id, 4, S.PLANNED)
    assert foreseen.may_arrive_twice == 4
    assert counts(broadcast.id)["accepted"] == 4, "nothing was changed"

    assert forget("ada", edge) == [foreseen]
    found = counts(broadcast.id)
    assert (found["planned"], found["delivered"], found["total"]) == (4, 2, broadcast.planned_total)
    anew = [send for send in sends_of(broadcast) if send.state == S.PLANNED]
    assert {(send.edge, send.accepted_at, send.settled_at) for send in anew} == {(0, 0, 0)}
    assert len(claims_of(broadcast)) == 2
    now_of = Broadcast.get_by_id(broadcast.id)
    assert (now_of.state, now_of.finished_at) == ("sending", None)
    assert take_slice(broadcast.id) is not None
    assert counts(other.id)["accepted"] == 3
    assert OperatorAction.select().where(OperatorAction.target == edge).get().detail["mails"] == 4

    assert forget("ada", edge) == [], "once is enough"


def test_it_can_be_interrupted_and_repeated(planned, edge, monkeypatch):
    monkeypatch.setattr(lost_edges, "PAGE", 2)
    broadcast = planned(6)
    hand_over(broadcast, edge)
    put_back, pages = lost_edges.put_back, []

    def die_at_the_second(broadcast_id, contact_ids):
        pages.append(contact_ids)
        if len(pages) == 2:
            raise KeyboardInterrupt
        return put_back(broadcast_id, contact_ids)

    monkeypatch.setattr(lost_edges, "put_back", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        forget("ada", edge)
    assert (counts(broadcast.id)["planned"], counts(broadcast.id)["accepted"]) == (2, 4)
    monkeypatch.setattr(lost_edges, "put_back", put_back)
    assert sum(loss.accepted for loss in forget("ada", edge)) == 4
    assert counts(broadcast.id)["planned"] == 6
    assert claims_of(broadcast) == []


def test_what_a_dead_worker_had_given_to_it_is_given_to_others(planned, edge):
    broadcast = planned(4)
    piece = take_slice(broadcast.id)
    sends = sends_of(broadcast)
    claim(edge, sends[:3])
    claim("edge-2", sends[3:])
    open_again(piece, 0)
    (loss,) = forget("ada", edge)
    assert (loss.accepted, loss.claimed, loss.may_arrive_twice) == (0, 3, 3)
    assert claims_of(broadcast) == [names.broadcast_claim_key(broadcast.id, sends[3].contact_id)]


def test_a_cancelled_broadcast_stays_cancelled(planned, edge):
    broadcast = planned(3)
    hand_over(broadcast, edge)
    cancel(broadcast.id)
    (loss,) = forget("ada", edge)
    assert (loss.becomes, loss.may_arrive_twice) == (S.CANCELLED, 0)
    assert counts(broadcast.id)["cancelled"] == 3
    assert not SendSlice.select().where(SendSlice.broadcast == broadcast, SendSlice.state != "done").exists()


def test_mail_of_no_broadcast_is_unknown_as_its_text_is_lost(team, edge):
    message_id = uuid4()
    Send.create(
        broadcast_id=0,
        contact_id=message_id.int >> 80,
        team_id=team.id,
        message_id=message_id,
        state=S.ACCEPTED,
        edge=edge_id(edge),
    )
    (loss,) = forget("ada", edge)
    assert (loss.broadcast_id, loss.accepted, loss.may_arrive_twice) == (0, 1, 0)
    send = Send.get(Send.message_id == message_id)
    assert (send.state, send.reason) == (S.UNKNOWN, Reason.EDGE_LOST)


def test_an_edge_that_lives_or_that_nobody_knows_is_not_forgotten(planned, edge):
    broadcast = planned(2)
    hand_over(broadcast, edge)
    state = {"mails": 2, "broadcasts": {str(broadcast.id): 2}, "event_bytes": 5}
    redis.set(names.spool_state_key(edge), orjson.dumps(state), ex=10)
    with pytest.raises(Refused, match="lives"):
        forget("ada", edge)
    (standing,) = [each for each in standings() if each.name == edge]
    assert (standing.accepted, standing.waiting, standing.event_bytes) == (2, 2, 5)
    redis.delete(names.spool_state_key(edge))
    (standing,) = [each for each in standings() if each.name == edge]
    assert (standing.accepted, standing.waiting) == (2, None)
    with pytest.raises(Refused, match="edge list"):
        foresee("edge-nobody-knows")


@pytest.mark.parametrize("records", [None, {names.TOPIC_STATUSES: 1}])
def test_it_waits_for_what_the_edge_has_told(edge, monkeypatch, records):
    monkeypatch.setattr(lost_edges, "ENRICHER_PATIENCE_SECONDS", 0)
    monkeypatch.setattr(lost_edges, "records_waiting", lambda: records)
    with pytest.raises(Refused, match="settled in truth"):
        foresee(edge)
