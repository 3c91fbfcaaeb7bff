from datetime import timedelta

import pytest

from sidecars.broadcasts.control import cancel
from sidecars.broadcasts.publish import (
    NotPublishable,
    WrongState,
    publish,
    schedule,
    unschedule,
    validate,
)
from sidecars.models import Broadcast, Content, Link, Segment, SendingDomain, Variant, now


def fields(problems):
    return sorted(problem.field for problem in problems)


def test_publishing_freezes_the_content_and_its_links_and_wakes_a_planner(people, draft, wakeups):
    broadcast = draft(people(1).audience)
    published = publish(broadcast.id)
    assert (published.state, published.published_at is not None) == ("planning", True)
    variant = Variant.get(Variant.broadcast == broadcast)
    assert "Hello" in Content.get_by_id(variant.content_id).prepared["html"]
    links = Link.select().where(Link.variant == variant)
    assert [(link.idx, link.url) for link in links] == [(0, "https://shop.example/spring")]
    assert wakeups == [("plan", broadcast.id)]


def test_of_two_publications_one_succeeds(people, draft, wakeups):
    broadcast = draft(people(1).audience)
    publish(broadcast.id)
    with pytest.raises(WrongState) as wrong:
        publish(broadcast.id)
    assert wrong.value.state == "planning"
    assert wakeups == [("plan", broadcast.id)]


def test_all_problems_are_told_at_once_by_field(people, draft, team):
    broadcast = draft(people(0).audience, weights=(60, 30))
    SendingDomain.update(verified_at=None).where(SendingDomain.id == team.domain.id).execute()
    first = Variant.select().where(Variant.broadcast == broadcast).order_by(Variant.id).first()
    Content.update(subject=" ", body="{{ nobody }}").where(Content.id == first.content_id).execute()
    expected = ["audience_id", "sender_id", "variants", "variants.0.body", "variants.0.subject"]
    assert fields(validate(broadcast.id)) == expected
    with pytest.raises(NotPublishable) as refused:
        publish(broadcast.id)
    assert fields(refused.value.problems) == expected


def test_a_refused_publication_leaves_the_draft_as_it_was(people, draft, wakeups):
    broadcast = draft(people(0).audience)
    with pytest.raises(NotPublishable):
        publish(broadcast.id)
    assert Broadcast.get_by_id(broadcast.id).state == "draft"
    assert Broadcast.get_by_id(broadcast.id).published_at is None
    assert wakeups == []


def test_a_broadcast_without_a_mail_is_refused(people, draft):
    assert fields(validate(draft(people(1).audience, weights=()).id)) == ["variants"]


def test_a_segment_that_cannot_be_sent_to_is_refused_with_its_place(people, draft):
    audience = people(1).audience
    segment = Segment.create(audience=audience, name="odd", filter={"all": [{"city": "Oslo"}]})
    (problem,) = validate(draft(audience, segment=segment).id)
    assert problem.field == "segment_id"
    assert "filter.all.0: must be an object with exactly one of all, any, not" in problem.message


def test_a_queue_that_is_down_does_not_undo_a_publication(people, draft, monkeypatch):
    from sidecars.broadcasts import wakeups

    def down(broadcast_id):
        raise ConnectionError("no queue")

    monkeypatch.setitem(wakeups._connected, "plan", down)
    assert publish(draft(people(1).audience).id).state == "planning"


def test_a_schedule_needs_a_moment_in_the_future(people, draft):
    broadcast = draft(people(1).audience)
    with pytest.raises(NotPublishable) as refused:
        schedule(broadcast.id, now() - timedelta(seconds=1))
    assert fields(refused.value.problems) == ["scheduled_at"]


def test_a_scheduled_broadcast_can_be_taken_back_published_or_cancelled(people, draft):
    audience = people(1).audience
    later = now() + timedelta(hours=1)
    taken_back, published, cancelled = (schedule(draft(audience).id, later) for _ in range(3))
    assert published.scheduled_at == later
    assert unschedule(taken_back.id).scheduled_at is None
    assert publish(published.id).state == "planning"
    cancel(cancelled.id)
    assert Broadcast.get_by_id(cancelled.id).state == "cancelled"
