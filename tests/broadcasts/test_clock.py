from datetime import timedelta
from threading import Barrier, Thread

from sidecars.broadcasts.clock import PLANNING_SILENCE_SECONDS, tick
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.publish import publish, schedule
from sidecars.broadcasts.slices import claim_slice
from sidecars.broadcasts.states import SendState
from sidecars.models import Broadcast, Contact, Send, SendSlice, database, now
from sidecars.settings import settings


def change(broadcast, **fields):
    Broadcast.update(**fields).where(Broadcast.id == broadcast.id).execute()


def stored(broadcast):
    return Broadcast.get_by_id(broadcast.id)


def test_a_scheduled_broadcast_is_published_when_its_moment_comes(people, draft, wakeups):
    broadcast = schedule(draft(people(1).audience).id, now() + timedelta(hours=1))
    tick()
    assert stored(broadcast).state == "scheduled"
    change(broadcast, scheduled_at=now())
    tick()
    assert stored(broadcast).state == "planning"
    assert wakeups == [("plan", broadcast.id)]


def test_a_scheduled_broadcast_that_can_no_longer_go_out_is_stopped_with_the_reason(people, draft):
    group = people(1)
    broadcast = schedule(draft(group.audience).id, now() + timedelta(hours=1))
    Contact.delete().where(Contact.audience == group.audience).execute()
    change(broadcast, scheduled_at=now())
    tick()
    assert stored(broadcast).state == "stopped"
    assert stored(broadcast).reason.startswith("audience_id: Nobody is subscribed")
    assert stored(broadcast).finished_at is not None


def test_a_planner_that_went_silent_is_woken_by_one_of_many_clocks(people, draft, wakeups):
    broadcast = publish(draft(people(1).audience).id)
    wakeups.clear()
    tick()
    assert wakeups == []
    change(broadcast, updated_at=now() - timedelta(seconds=PLANNING_SILENCE_SECONDS + 1))
    in_many_clocks(tick)
    assert wakeups == [("plan", broadcast.id)]


def test_a_planner_is_woken_though_the_clock_was_put_back_an_hour(people, draft, wakeups, jump):
    publish(draft(people(1).audience).id)
    wakeups.clear()
    jump(-3600)
    tick()
    assert len(wakeups) == 1


def test_slices_that_nobody_was_woken_for_are_found_unless_tasks_wait_already(planned, wakeups):
    broadcast = planned(1)
    wakeups.clear()
    tick(queued=settings.fanout_workers)
    assert wakeups == []
    tick(queued=0)
    assert wakeups == [("send", broadcast.id)]


def test_a_slice_that_rests_is_not_asked_for(planned, wakeups):
    broadcast = planned(1)
    SendSlice.update(not_before=now() + timedelta(seconds=20)).where(
        SendSlice.broadcast == broadcast
    ).execute()
    wakeups.clear()
    tick()
    assert wakeups == []


def test_a_slice_whose_worker_died_is_opened_and_asked_for(planned, wakeups):
    broadcast = planned(1)
    claim_slice(broadcast.id)
    wakeups.clear()
    tick()
    assert wakeups == []
    SendSlice.update(lease_until=now() - timedelta(seconds=1)).where(
        SendSlice.broadcast == broadcast
    ).execute()
    tick()
    assert wakeups == [("send", broadcast.id)]


def test_a_broadcast_whose_last_worker_died_before_it_could_say_so_is_finished(planned):
    broadcast = planned(1)
    contact_ids = [row.contact_id for row in Send.select().where(Send.broadcast_id == broadcast.id)]
    move_sends(broadcast.id, contact_ids, {SendState.PLANNED}, SendState.ACCEPTED)
    SendSlice.update(state="done").where(SendSlice.broadcast == broadcast).execute()
    in_many_clocks(tick)
    assert stored(broadcast).state == "sent"


def in_many_clocks(work):
    together = Barrier(4)
    failures = []

    def run():
        try:
            with database.connection_context():
                together.wait()
                work()
        except Exception as error:
            failures.append(error)

    clocks = [Thread(target=run) for _ in range(4)]
    for clock in clocks:
        clock.start()
    for clock in clocks:
        clock.join()
    assert failures == []
