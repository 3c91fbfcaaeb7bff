"""Segments as they are kept, counted and used, and the sets of people that ClickHouse gave."""

from datetime import timedelta
from threading import Thread

import pytest

from sidecars.analytics.client import client
from sidecars.audiences.segments import engagement, people, store
from sidecars.audiences.segments.engagement import forget_old, set_as_of
from sidecars.audiences.segments.language import FilterError, read
from sidecars.models import (
    Broadcast,
    Contact,
    EngagedContact,
    EngagementSet,
    MergedContact,
    Segment,
    database,
    now,
)
from tests.audiences.segments.world import AT

CLICKED = {"engagement": "clicked", "days": 90}
EARLY = {"tag": "early"}


@pytest.fixture
def segment(village):
    made = store.create(village.audience, "Early", EARLY)
    yield made
    Segment.delete().where(Segment.id == made.id).execute()


def click(village, name, at):
    row = {
        "event_id": f"00000000-0000-0000-0000-{village.contact_ids[name]:012}",
        "type": "click",
        "verdict": "person",
        "occurred_at": at,
        "team_id": village.audience.team_id,
        "broadcast_id": village.ids[7],
        "contact_id": village.contact_ids[name],
    }
    client().execute(f"INSERT INTO smtp_email_clicks ({', '.join(row)}) VALUES", [row])


def engaged(set_id):
    return {row.contact_id for row in EngagedContact.select().where(EngagedContact.set_id == set_id)}


def asked(village, given):
    return read(given, store.known(village.audience))


def test_a_count_is_kept_for_a_while_and_made_anew_for_another_filter(segment, village):
    counted = people.live_count(segment)
    assert (counted.contacts, counted.subscribed) == (3, 3)
    Segment.update(contacts=77).where(Segment.id == segment.id).execute()
    assert people.live_count(Segment.get_by_id(segment.id)).contacts == 77
    Segment.update(recount_at=now() - timedelta(seconds=1)).where(Segment.id == segment.id).execute()
    assert people.live_count(Segment.get_by_id(segment.id)).contacts == 3
    changed = store.change(
        segment, None, {"field": "status", "op": "empty"} | {"op": "equals", "value": "pending"}
    )
    counted = people.live_count(changed)
    assert (counted.contacts, counted.subscribed) == (1, 0)


def test_while_one_counts_the_others_get_the_former_count(segment, monkeypatch):
    first = people.live_count(segment)
    Segment.update(recount_at=now() - timedelta(seconds=1)).where(Segment.id == segment.id).execute()
    answers = []

    def count_and_be_asked(audience, condition):
        answers.append(people.live_count(Segment.get_by_id(segment.id)))
        return first

    monkeypatch.setattr(people, "count", count_and_be_asked)
    people.live_count(Segment.get_by_id(segment.id))
    assert answers == [first]


def test_a_page_goes_on_where_the_one_before_ended(village):
    condition = asked(village, EARLY)
    first = people.page(village.audience, condition, 0, 2)
    rest = people.page(village.audience, condition, first[-1].id, 2)
    assert [row.first_name for row in first + rest] == ["Ada", "Bob", "Fritz"]


def test_who_asks_as_of_a_moment_gets_the_same_people_though_events_came_since(village):
    before = set_as_of(village.audience, asked(village, CLICKED), AT, exactly=True)
    people_then = engaged(before)
    click(village, "carla@mail.example", AT - timedelta(days=1))
    assert set_as_of(village.audience, asked(village, CLICKED), AT, exactly=True) == before
    assert engaged(before) == people_then
    later = AT + timedelta(seconds=engagement.FRESH_SECONDS)
    assert set_as_of(village.audience, asked(village, CLICKED), later, exactly=False) == before
    fresh = set_as_of(village.audience, asked(village, CLICKED), later, exactly=True)
    assert engaged(fresh) == people_then | {village.contact_ids["carla@mail.example"]}


def test_of_many_who_need_a_set_at_once_one_makes_it(village):
    at = AT + timedelta(days=3)
    found = []

    def ask():
        with database.connection_context():
            found.append(set_as_of(village.audience, asked(village, CLICKED), at, exactly=True))

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_merged_contact_has_clicked_what_its_parts_clicked(village):
    contact = Contact.create(audience=village.audience, email="merged@mail.example")
    clicker = village.contact_ids["hana@mail.example"]
    MergedContact.create(id=clicker, contact=contact)
    try:
        made = set_as_of(village.audience, asked(village, CLICKED), AT + timedelta(hours=1), exactly=True)
        assert contact.id in engaged(made)
        assert clicker not in engaged(made)
    finally:
        MergedContact.delete().execute()
        contact.delete_instance()


def test_old_sets_go_but_those_that_a_broadcast_is_planned_with(village):
    condition = asked(village, {"engagement": "opened"})
    kept, gone = (
        set_as_of(village.audience, condition, AT + timedelta(days=n), exactly=True) for n in (1, 2)
    )
    EngagementSet.update(created_at=now() - timedelta(days=1)).where(
        EngagementSet.id.in_([kept, gone])
    ).execute()
    planning = {
        "state": "paused",
        "published_at": AT + timedelta(days=1),
        "planned_at": None,
        "finished_at": None,
    }
    waiting = Broadcast.id == village.ids[7]
    was = Broadcast.get(waiting)
    Broadcast.update(**planning).where(waiting).execute()
    forget_old()
    assert (bool(engaged(kept)), bool(engaged(gone))) == (True, False)
    Broadcast.update(**{name: getattr(was, name) for name in planning}).where(waiting).execute()
    forget_old()
    assert not engaged(kept)
    assert EngagementSet.get_or_none(EngagementSet.id == kept) is None


def test_recipients_of_another_audiences_broadcast_are_found_by_address(village):
    other = store.Audience.create(team=village.audience.team_id, name="Others")
    same, _ = (Contact.create(audience=other, email=f"{name}@mail.example") for name in ("ada", "zoe"))
    sql, values = people.in_sql(other, asked(village, {"recipient_of": f"bc_{village.ids[3]}"}), AT)
    rows = database.execute_sql(
        f"SELECT c.id FROM contacts c WHERE c.audience_id = %s AND {sql}", [other.id, *values]
    )
    assert rows.fetchall() == ((same.id,),)


def test_a_filter_of_a_property_that_is_gone_says_so(village):
    odd = Segment.create(audience=village.audience, name="odd", filter={"property": "gone", "op": "empty"})
    with pytest.raises(FilterError, match="there is no property “gone”"):
        store.condition_of(odd)
    odd.delete_instance()
