from sidecars.broadcasts.ledger import counts, progress
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.slices import take_slice
from sidecars.broadcasts.states import Reason, SendState
from sidecars.models import Send

S = SendState


def contact_ids(broadcast):
    return [row.contact_id for row in Send.select().where(Send.broadcast_id == broadcast.id)]


def test_counts_name_every_state_and_add_up_to_what_was_planned(planned):
    broadcast = planned(7)
    ids = contact_ids(broadcast)
    move_sends(broadcast.id, ids[:2], {S.PLANNED}, S.ACCEPTED)
    move_sends(broadcast.id, ids[2:3], {S.PLANNED}, S.SKIPPED, Reason.UNSUBSCRIBED)
    found = counts(broadcast.id)
    assert set(found) == {state.name.lower() for state in SendState} | {"total"}
    assert (found["planned"], found["accepted"], found["skipped"]) == (4, 2, 1)
    assert found.pop("total") == sum(found.values()) == broadcast.planned_total


def test_what_a_worker_holds_counts_as_claimed(planned):
    broadcast = planned(4)
    take_slice(broadcast.id)
    found = counts(broadcast.id)
    assert (found["planned"], found["claimed"], found["total"]) == (0, 4, 4)


def test_progress_tells_speed_and_time_left(planned):
    broadcast = planned(10)
    before = progress(broadcast.id)
    assert (before.rate, before.eta_seconds) == (0, None)
    ids = contact_ids(broadcast)
    move_sends(broadcast.id, ids[:5], {S.PLANNED}, S.ACCEPTED)
    move_sends(broadcast.id, ids[5:6], {S.PLANNED}, S.REJECTED, Reason.COMPOSE_FAILED)
    after = progress(broadcast.id)
    assert after.rate > 0
    assert after.eta_seconds > 0
    assert after.reasons == {"compose_failed": 1}
    assert (after.state, after.planned_total, after.counts["planned"]) == ("sending", 10, 4)


def test_a_broadcast_without_sends_has_empty_books(people, draft):
    broadcast = draft(people(1).audience)
    assert set(counts(broadcast.id).values()) == {0}
    assert progress(broadcast.id).eta_seconds is None
