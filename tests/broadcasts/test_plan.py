from collections import Counter
from datetime import timedelta
from threading import Thread
from types import SimpleNamespace

import pytest

from sidecars.broadcasts import plan as planning
from sidecars.broadcasts.plan import plan, plan_chunk
from sidecars.broadcasts.publish import publish
from sidecars.broadcasts.states import Reason, SendState
from sidecars.models import (
    Broadcast,
    Contact,
    ContactTag,
    Segment,
    Send,
    SendSlice,
    Suppression,
    Tag,
    database,
    now,
)

SLICE = 10


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=SLICE))


def sends(broadcast):
    return list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))


def slices(broadcast):
    return list(SendSlice.select().where(SendSlice.broadcast == broadcast).order_by(SendSlice.lo))


def assert_planned_once(broadcast, contacts):
    rows = sends(broadcast)
    assert [row.contact_id for row in rows] == [contact.id for contact in contacts]
    assert Broadcast.get_by_id(broadcast.id).planned_total == len(rows)
    pieces = slices(broadcast)
    covered = [row.contact_id for piece in pieces for row in rows if piece.lo <= row.contact_id <= piece.hi]
    assert covered == [row.contact_id for row in rows if row.state == SendState.PLANNED]
    assert sum(piece.n for piece in pieces) == len(covered)
    assert all(piece.n <= SLICE for piece in pieces)


def test_each_subscribed_contact_gets_one_send_in_slices_and_sending_begins(people, draft, wakeups):
    group = people(25)
    broadcast = publish(draft(group.audience).id)
    plan(broadcast.id)
    assert_planned_once(broadcast, group.contacts)
    assert [piece.n for piece in slices(broadcast)] == [10, 10, 5]
    stored = Broadcast.get_by_id(broadcast.id)
    assert (stored.state, stored.planned_at is not None) == ("sending", True)
    assert wakeups == [("plan", broadcast.id), ("send", broadcast.id)]


def test_planning_goes_on_where_it_was_killed(people, draft, monkeypatch):
    group = people(35)
    broadcast = publish(draft(group.audience).id)
    assert plan_chunk(broadcast.id, SLICE) == 10

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(planning, "_insert_slices", killed)
        with pytest.raises(KeyboardInterrupt):
            plan(broadcast.id)
    assert len(sends(broadcast)) == 10
    plan(broadcast.id)
    assert_planned_once(broadcast, group.contacts)


def test_two_planners_at_once_plan_nobody_twice(people, draft):
    group = people(60)
    broadcast = publish(draft(group.audience).id)

    def work():
        with database.connection_context():
            while plan_chunk(broadcast.id, SLICE):
                pass

    planners = [Thread(target=work) for _ in range(3)]
    for planner in planners:
        planner.start()
    for planner in planners:
        planner.join()
    assert_planned_once(broadcast, group.contacts)


def test_planning_again_changes_nothing(planned):
    broadcast = planned(3)
    before = [(row.contact_id, row.message_id) for row in sends(broadcast)]
    plan(broadcast.id)
    assert [(row.contact_id, row.message_id) for row in sends(broadcast)] == before


def test_who_unsubscribed_before_has_no_send_and_who_is_suppressed_is_skipped(team, people, draft):
    group = people(8)
    gone, hard, paused, other_stream, lapsed, back, *_ = group.contacts
    Contact.update(status="unsubscribed", unsubscribed_at=now()).where(Contact.id == gone.id).execute()
    for contact, fields in (
        (hard, {"reason": "hard_bounce"}),
        (hard, {"reason": "complaint", "stream": "broadcast"}),
        (other_stream, {"reason": "manual", "stream": "transactional"}),
        (hard, {"reason": "pause", "stream": "transactional", "expires_at": now() + timedelta(days=7)}),
        (lapsed, {"reason": "hard_bounce", "expires_at": now()}),
        (paused, {"reason": "pause", "stream": "broadcast", "expires_at": now() + timedelta(days=7)}),
        (back, {"reason": "pause", "stream": "broadcast", "expires_at": now()}),
    ):
        Suppression.create(team=team.row, email=contact.email, **fields)
    broadcast = publish(draft(group.audience).id)
    plan(broadcast.id)
    assert_planned_once(broadcast, group.contacts[1:])
    skipped = [row for row in sends(broadcast) if row.state == SendState.SKIPPED]
    assert [(row.contact_id, row.reason) for row in skipped] == [
        (hard.id, Reason.SUPPRESSED),
        (paused.id, Reason.PAUSED),
    ]
    assert skipped[0].settled_at > 0


def test_a_broadcast_to_suppressed_people_alone_is_sent_at_once(team, people, draft):
    group = people(2)
    for contact in group.contacts:
        Suppression.create(team=team.row, email=contact.email, reason="manual")
    broadcast = publish(draft(group.audience).id)
    plan(broadcast.id)
    assert Broadcast.get_by_id(broadcast.id).state == "sent"


def test_a_segment_of_a_tag_chooses_its_contacts(people, draft):
    group = people(30)
    tag = Tag.create(audience=group.audience, name="vip")
    vips = group.contacts[::3]
    ContactTag.insert_many([{"contact": contact, "tag": tag} for contact in vips]).execute()
    segment = Segment.create(audience=group.audience, name="VIPs", filter={"tag": "vip"})
    broadcast = publish(draft(group.audience, segment=segment).id)
    plan(broadcast.id)
    assert_planned_once(broadcast, vips)


def test_variants_share_the_contacts_by_weight_and_always_alike(people, draft):
    group = people(600)
    broadcast = publish(draft(group.audience, weights=(70, 20, 10)).id)
    plan(broadcast.id)
    first = {row.contact_id: row.variant_id for row in sends(broadcast)}
    shares = [number for _, number in sorted(Counter(first.values()).items())]
    assert sum(shares) == 600
    assert all(abs(share - ideal) < 60 for share, ideal in zip(shares, (420, 120, 60), strict=True))

    SendSlice.delete().where(SendSlice.broadcast == broadcast).execute()
    Send.delete().where(Send.broadcast_id == broadcast.id).execute()
    again = {"state": "planning", "plan_cursor": 0, "planned_total": 0}
    Broadcast.update(again).where(Broadcast.id == broadcast.id).execute()
    plan(broadcast.id)
    assert {row.contact_id: row.variant_id for row in sends(broadcast)} == first


def test_message_ids_are_uuids_of_version_7_of_this_moment(planned):
    before = now()
    ids = [row.message_id for row in sends(planned(200))]
    assert len(set(ids)) == 200
    assert {(each.version, each.variant) for each in ids} == {(7, "specified in RFC 4122")}
    for each in ids:
        milliseconds = each.int >> 80
        assert before.timestamp() * 1000 <= milliseconds <= now().timestamp() * 1000
    assert len({each.int >> 62 & 3 for each in ids}) == 1, "the two bits of RFC 9562's variant are fixed"
    assert len({each.hex[16] for each in ids}) == 4, "the two bits beside them are random"


def test_what_is_not_being_planned_is_left_alone(people, draft):
    broadcast = draft(people(3).audience)
    plan(broadcast.id)
    assert sends(broadcast) == []
    assert Broadcast.get_by_id(broadcast.id).state == "draft"
