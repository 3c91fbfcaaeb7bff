"""Broadcasts at an hour of each reader's own day, over changes to summer time, by a clock that is set."""

from datetime import UTC, datetime, timedelta

import pytest

from sidecars.broadcasts import waves
from sidecars.broadcasts.control import cancel
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.plan import plan
from sidecars.broadcasts.publish import publish
from sidecars.broadcasts.states import SendState
from sidecars.broadcasts.timezones import moment_in, moments
from sidecars.broadcasts.why import why
from sidecars.models import Broadcast, Contact, Send, SendSlice, database


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "wall_clock", "moment"),
    [
        ("Europe/Berlin", "2027-03-27T09:00:00", "2027-03-27T08:00:00"),
        ("Europe/Berlin", "2027-03-28T09:00:00", "2027-03-28T07:00:00"),
        ("Europe/Berlin", "2027-03-28T02:30:00", "2027-03-28T01:30:00"),  # left out: shown as 03:30
        ("Europe/Berlin", "2027-10-31T02:30:00", "2027-10-31T00:30:00"),  # comes twice: the first
        ("America/New_York", "2027-03-28T09:00:00", "2027-03-28T13:00:00"),
        ("Asia/Kolkata", "2027-03-28T09:00:00", "2027-03-28T03:30:00"),
        ("Pacific/Kiritimati", "2027-03-28T09:00:00", "2027-03-27T19:00:00"),
    ],
)
def test_an_hour_comes_when_clocks_there_show_it(zone, wall_clock, moment):
    assert moment_in(zone, datetime.fromisoformat(wall_clock)) == utc(moment)


def test_whose_hour_has_passed_gets_it_at_once_or_on_the_next_day_that_has_it():
    nine, begun = datetime(2027, 3, 28, 9), utc("2027-03-28T12:00:00")
    at_once = moments(nine, begun, "at_once")
    assert at_once["Europe/Berlin"] == utc("2027-03-28T07:00:00")
    next_day = moments(nine, begun, "next_day")
    assert next_day["Europe/Berlin"] == utc("2027-03-29T07:00:00")
    assert next_day["America/New_York"] == at_once["America/New_York"] == utc("2027-03-28T13:00:00")
    assert all(moment >= begun for moment in next_day.values())


ZONES = {
    "Asia/Tokyo": "2027-03-28T00:00:00",
    "Europe/Berlin": "2027-03-28T07:00:00",  # by summer time, which began that night
    "Africa/Abidjan": "2027-03-28T09:00:00",
    None: "2027-03-28T13:00:00",  # the broadcast's: New York
    "Nowhere/Land": "2027-03-28T13:00:00",
    "America/Los_Angeles": "2027-03-28T16:00:00",
}


@pytest.fixture
def clock(connection):
    """`clock("2027-…")` sets MySQL's, and looks at the waves; returns who may go by then, by zone."""

    def look(text, broadcast):
        database.execute_sql("SET timestamp = %s", [utc(text).timestamp()])
        waves.look()
        rows = Send.select().where(Send.broadcast_id == broadcast.id, Send.variant_id > 0)
        return [Contact.get_by_id(row.contact_id).properties.get("timezone") for row in rows]

    yield look
    database.execute_sql("SET timestamp = DEFAULT")


@pytest.fixture
def worldwide(people, draft, clock):
    """A planned broadcast to two people a zone, at nine of the day on which Europe's clocks change."""

    def make(**fields):
        audience = people(2 * len(ZONES))
        for contact, zone in zip(audience.contacts, [*ZONES, *ZONES], strict=True):
            if zone:
                Contact.update(properties={"timezone": zone}).where(Contact.id == contact.id).execute()
        plans = {"local_time": "2027-03-28T09:00:00", "timezone": "America/New_York", "when_past": "at_once"}
        broadcast = draft(audience.audience, (50, 50), **plans | fields)
        Broadcast.update(scheduled_at=utc("2027-03-27T19:00:00"), state="scheduled").where(
            Broadcast.id == broadcast.id
        ).execute()
        publish(broadcast.id)
        plan(broadcast.id)
        return Broadcast.get_by_id(broadcast.id)

    return make


def test_each_zone_goes_when_its_hour_comes_and_nobody_twice(worldwide, clock):
    broadcast = worldwide()
    assert (broadcast.state, broadcast.held, broadcast.planned_total) == ("sending", True, 12)
    assert clock("2027-03-27T19:00:00", broadcast) == []
    expected = []
    for zone, moment in sorted(ZONES.items(), key=lambda each: each[1]):
        before = (utc(moment) - timedelta(seconds=1)).isoformat()[:19]
        assert sorted(map(str, clock(before, broadcast))) == expected, zone
        expected = sorted(str(name) for name, at in ZONES.items() if at <= moment for _ in range(2))
        assert sorted(map(str, clock(moment, broadcast))) == expected, zone
    assert not Broadcast.get_by_id(broadcast.id).held
    slices = SendSlice.select().where(SendSlice.broadcast == broadcast)
    assert sum(piece.n for piece in slices) == 12
    assert {row.state for row in Send.select().where(Send.broadcast_id == broadcast.id)} == {
        SendState.PLANNED
    }


def test_whoever_asks_why_is_told_when_the_hour_comes(worldwide):
    broadcast = worldwide()
    tokyo, *_, nobody = (
        Contact.select().where(Contact.audience == broadcast.audience).order_by(Contact.id).limit(4)
    )
    found = why(broadcast, tokyo.email)
    assert found.sentence == "They wait for their hour: it comes in Asia/Tokyo at 2027-03-28 00:00 UTC."
    assert "America/New_York at 2027-03-28 13:00 UTC" in why(broadcast, nobody.email).sentence


def test_who_moves_before_their_hour_is_written_to_by_the_new_zone(worldwide, clock):
    broadcast = worldwide()
    assert clock("2027-03-28T00:00:00", broadcast) == ["Asia/Tokyo", "Asia/Tokyo"]
    someone = Contact.get(Contact.audience == broadcast.audience, Contact.email.startswith("accept.person5"))
    Contact.update(properties={"timezone": "Asia/Tokyo"}).where(Contact.id == someone.id).execute()
    assert clock("2027-03-28T00:00:01", broadcast) == ["Asia/Tokyo"] * 2, "the next look is at the next hour"
    assert clock("2027-03-28T01:00:00", broadcast).count("Asia/Tokyo") == 3


def test_what_is_held_is_cancelled_with_its_broadcast(worldwide, clock):
    broadcast = worldwide()
    clock("2027-03-28T07:00:00", broadcast)
    cancel(broadcast.id)
    clock("2027-03-29T07:00:00", broadcast)
    assert counts(broadcast.id)["cancelled"] == 12
    ended = Broadcast.get_by_id(broadcast.id)
    assert (ended.state, ended.held) == ("cancelled", False)
    assert ended.finished_at is not None
