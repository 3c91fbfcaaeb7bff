"""Whom a broadcast goes to: foretold, then frozen at publishing and the same however planning goes."""

import threading
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import clickhouse_driver.errors
import pytest

from sidecars.analytics import client as analytics
from sidecars.analytics.client import client
from sidecars.broadcasts import archiving
from sidecars.broadcasts import plan as planning
from sidecars.broadcasts.clock import tick
from sidecars.broadcasts.plan import plan, plan_chunk
from sidecars.broadcasts.publish import publish, schedule, validate
from sidecars.broadcasts.recipients import forecast
from sidecars.broadcasts.states import SendState
from sidecars.broadcasts.why import why
from sidecars.deliverability import erasures
from sidecars.models import (
    Broadcast,
    Contact,
    ContactTag,
    EngagedContact,
    Notice,
    PropertyDefinition,
    Segment,
    Send,
    Suppression,
    Tag,
    now,
)

NO_CLICK = {"not": {"engagement": "clicked", "days": 30}}


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=10))


@pytest.fixture
def readers(people, draft):
    """Forty people who got a broadcast ten days ago; `clicked(contacts, at)` has them click in it."""
    group = people(40)
    sent = now() - timedelta(days=10)
    past = draft(group.audience, state="sent", published_at=sent, planned_at=sent, finished_at=sent)

    def clicked(contacts, at):
        rows = [
            {
                "event_id": uuid4(),
                "type": "click",
                "verdict": "person",
                "occurred_at": at,
                "team_id": past.team_id,
                "broadcast_id": past.id,
                "contact_id": contact.id,
            }
            for contact in contacts
        ]
        client().execute(f"INSERT INTO smtp_email_clicks ({', '.join(rows[0])}) VALUES", rows)

    clicked(group.contacts[::4], sent + timedelta(hours=1))
    segment = Segment.create(audience=group.audience, name="Quiet", filter=NO_CLICK)
    return SimpleNamespace(
        audience=group.audience, contacts=group.contacts, past=past, segment=segment, clicked=clicked
    )


def chosen(broadcast):
    rows = Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id)
    return [row.contact_id for row in rows]


def ids(contacts):
    return [contact.id for contact in contacts]


def test_planning_chooses_as_of_publishing_though_it_is_killed_and_all_changes(readers, draft):
    quiet = [contact for place, contact in enumerate(readers.contacts) if place % 4]
    broadcast = draft(readers.audience, segment=readers.segment)
    assert forecast(broadcast).recipients == len(quiet)
    publish(broadcast.id)
    assert plan_chunk(broadcast.id, 10) == 10
    # Clicks that were on their way to ClickHouse, a click of now, another filter, and sets grown old.
    readers.clicked(quiet[12:20], now() - timedelta(days=1))
    readers.clicked(quiet[20:], now())
    Segment.update(filter={"field": "last_name", "op": "equals", "value": "x"}).execute()
    tick()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "_insert_slices", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            plan(broadcast.id)
    plan(broadcast.id)
    assert chosen(broadcast) == ids(quiet)


def test_what_is_foretold_is_what_planning_does(team, readers, draft):
    tag = Tag.create(audience=readers.audience, name="staff")
    clicker, left, suppressed, paused, clicker_too, staff, erased, *_ = readers.contacts
    Contact.update(status="unsubscribed", unsubscribed_at=now()).where(Contact.id == left.id).execute()
    Suppression.create(team=team.row, email=suppressed.email, reason="complaint")
    later = now() + timedelta(days=7)
    Suppression.create(
        team=team.row, email=paused.email, reason="pause", stream="broadcast", expires_at=later
    )
    ContactTag.create(tag=tag, contact=staff)
    erasures.erase(team.id, erased.email)
    again = Contact.create(audience=readers.audience, email=erased.email)
    broadcast = draft(readers.audience, segment=readers.segment, exclusions={"tags": ["staff"]})

    found = forecast(broadcast)
    assert found.left_out == {
        "excluded": 1,
        "invalid": 1,
        "not_in_segment": 10,
        "paused": 1,
        "suppressed": 1,
        "unsubscribed": 1,
    }
    assert found.recipients + sum(found.left_out.values()) == len(readers.contacts)
    publish(broadcast.id)
    plan(broadcast.id)
    planned = chosen(broadcast)
    assert set(planned) >= {suppressed.id, paused.id, again.id}
    assert not {clicker.id, clicker_too.id, left.id, staff.id} & set(planned)
    assert len(planned) == found.recipients + 3
    stored = Broadcast.get_by_id(broadcast.id)
    assert "leaves them out by its exclusions" in why(stored, staff.email).sentence
    assert "not in the broadcast's segment" in why(stored, clicker.email).sentence


def test_recipients_of_a_broadcast_are_left_out_also_when_its_ledger_is_in_the_archive(readers, draft):
    got = readers.contacts[5:20]
    Send.insert_many(
        [
            {
                "broadcast_id": readers.past.id,
                "contact_id": contact.id,
                "team_id": readers.past.team_id,
                "message_id": uuid4(),
                "state": SendState.SKIPPED if contact is got[0] else SendState.DELIVERED,
            }
            for contact in got
        ]
    ).execute()
    left = ids(readers.contacts[:6] + readers.contacts[20:])

    def planned():
        broadcast = publish(draft(readers.audience, exclusions={"broadcasts": [readers.past.id]}).id)
        plan(broadcast.id)
        return chosen(broadcast)

    assert planned() == left
    long_ago = now() - timedelta(days=400)
    Broadcast.update(finished_at=long_ago).where(Broadcast.id == readers.past.id).execute()
    while archiving.advance(readers.past.id):
        pass
    assert not chosen(readers.past)
    assert planned() == left


def test_a_segment_deleted_from_under_an_exclusion_is_told_before_publishing(readers, draft):
    broadcast = draft(readers.audience, exclusions={"segments": [readers.segment.id]})
    assert validate(broadcast.id) == []
    Segment.delete().where(Segment.id == readers.segment.id).execute()
    (problem,) = validate(broadcast.id)
    assert (problem.field, "was deleted" in problem.message) == ("segment_id", True)


def test_a_property_that_goes_while_it_is_planned_stops_the_broadcast(readers, draft):
    kind = PropertyDefinition.create(audience=readers.audience, name="staff", kind="boolean")
    nobody = {"not": {"property": "staff", "op": "equals", "value": True}}
    segment = Segment.create(audience=readers.audience, name="No staff", filter=nobody)
    broadcast = publish(draft(readers.audience, segment=segment).id)
    assert plan_chunk(broadcast.id, 10) == 10
    kind.delete_instance()
    plan(broadcast.id)
    stopped = Broadcast.get_by_id(broadcast.id)
    assert (stopped.state, "no property “staff”" in stopped.reason) == ("stopped", True)
    states = {row.state for row in Send.select().where(Send.broadcast_id == broadcast.id)}
    assert states == {SendState.CANCELLED}
    assert Notice.get(Notice.about == f"broadcast:{broadcast.id}").kind == "broadcast_stopped"


def test_while_clickhouse_is_away_what_needs_it_waits_and_the_rest_goes_out(readers, draft, monkeypatch):
    broadcast = draft(readers.audience, segment=readers.segment)
    schedule(broadcast.id, now() + timedelta(hours=1))
    plain = schedule(draft(readers.audience).id, now() + timedelta(hours=1))
    Broadcast.update(scheduled_at=now()).where(Broadcast.id.in_([broadcast.id, plain.id])).execute()
    EngagedContact.delete().execute()
    with monkeypatch.context() as patch:
        patch.setattr(analytics, "_local", threading.local())
        patch.setattr(analytics, "settings", SimpleNamespace(clickhouse_url="clickhouse://127.0.0.1:1/x"))
        with pytest.raises(clickhouse_driver.errors.Error):
            publish(broadcast.id)
        tick()
    states = [Broadcast.get_by_id(each.id).state for each in (broadcast, plain)]
    assert states == ["scheduled", "planning"]
    tick()
    assert Broadcast.get_by_id(broadcast.id).state == "planning"
