"""A Redis that has lost its data, and claims that the ledger brings back: with the real edge."""

import pytest

from sidecars import names
from sidecars.broadcasts import claims
from sidecars.broadcasts.compose import compose, load_planned
from sidecars.broadcasts.handover import send_slice
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.slices import claim_slice
from sidecars.edge import records, submit
from sidecars.edge.store import redis
from sidecars.edge.submit import Status
from sidecars.models import Send, now
from tests.support import wait_for


@pytest.fixture(scope="module")
def edge(stack):
    stack.start_processes("simulator", "smtp")
    yield
    submit.pool().close()
    submit.pool.cache_clear()
    stack.stop_processes("smtp", "simulator")


@pytest.fixture
def handed_over(edge, team, planned):
    """A broadcast whose only slice was handed over, and its mails as a slow worker still holds them."""
    records.write_domain(team.domain.id)
    broadcast = planned(5)
    piece = claim_slice(broadcast.id)
    mails = [compose(each, broadcast.id, now()) for each in load_planned(broadcast.id, piece.lo, piece.hi)]
    send_slice(piece)
    assert counts(broadcast.id)["accepted"] == 5
    return broadcast, mails


@pytest.fixture
def _emptied(handed_over):
    redis.flushall()
    yield
    with records.made_whole():
        records.write_all()
    wait_for(lambda: statuses(handed_over[1]) != {Status.BUSY})


def statuses(mails):
    return {result.status for result in submit.pool().submit(mails)}


@pytest.mark.usefixtures("_emptied")
def test_what_the_ledger_knows_to_be_taken_is_taken_by_no_edge_again(handed_over):
    broadcast, mails = handed_over
    assert statuses(mails) == {Status.BUSY}, "till Redis is whole again"
    with records.made_whole():
        assert claims.restore() >= 5
        records.write_all()
    wait_for(lambda: statuses(mails) == {Status.DUPLICATE})
    send = Send.get(Send.broadcast_id == broadcast.id)
    claim = redis.get(names.broadcast_claim_key(broadcast.id, send.contact_id))
    assert claim == f"{send.message_id}:edge-1:"


@pytest.mark.usefixtures("_emptied")
def test_claims_that_stand_are_left_alone(handed_over):
    broadcast, mails = handed_over
    key = names.broadcast_claim_key(broadcast.id, mails[0].whose.contact_id)
    redis.set(key, "another's")
    claims.restore()
    assert redis.get(key) == "another's"
    assert redis.ttl(names.broadcast_claim_key(broadcast.id, mails[1].whose.contact_id)) > 0


def test_a_claim_is_its_edges_until_it_is_released(handed_over):
    broadcast, mails = handed_over
    contact_ids = [mail.whose.contact_id for mail in mails]
    assert claims.held_by("edge", broadcast.id, contact_ids) == []
    assert claims.held_by("edge-1", broadcast.id, contact_ids) == contact_ids
    claims.release(broadcast.id, contact_ids)
    assert claims.held_by("edge-1", broadcast.id, contact_ids) == []
    assert statuses(mails) == {Status.ACCEPTED}
