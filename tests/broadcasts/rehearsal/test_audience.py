"""Who would get it, who not and why, exactly as planning then does; merge fields, and how long it takes."""

from datetime import timedelta
from uuid import uuid4

import pytest

from sidecars.broadcasts.compose import load_planned
from sidecars.broadcasts.plan import plan
from sidecars.broadcasts.publish import publish
from sidecars.broadcasts.rehearsal import audience as audiences
from sidecars.broadcasts.rehearsal.audience import Gap
from sidecars.broadcasts.rehearsal.duration import Duration, _seconds_for, expected
from sidecars.broadcasts.rehearsal.gaps import without_fallback
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal
from sidecars.broadcasts.states import SendState
from sidecars.deliverability import erasures, lane_controls, lane_policies
from sidecars.deliverability.lane_policies import Limits
from sidecars.deliverability.suppressions import suppress
from sidecars.models import Broadcast, Contact, ContactTag, Segment, Send, Source, Tag, Warmup, now
from tests.lanes import forget_lanes
from tests.mail.samples import content


@pytest.fixture
def _lanes(stack):
    forget_lanes()
    yield
    forget_lanes()


def sends(broadcast, state):
    return Send.select().where(Send.broadcast_id == broadcast.id, Send.state == state).count()


def test_the_numbers_are_those_that_planning_then_makes(letter, readers, shop):
    people = readers(12)
    audience, contacts = people.audience, people.contacts
    emails = [contact.email for contact in contacts]
    tag = Tag.create(audience=audience, name="tea")
    ContactTag.insert_many([{"contact": contact, "tag": tag} for contact in contacts[1:]]).execute()
    Contact.update(status="unsubscribed", unsubscribed_at=now()).where(Contact.id == contacts[1].id).execute()
    Contact.update(status="pending").where(Contact.id == contacts[2].id).execute()
    suppress(shop.id, emails[3], "hard_bounce")
    suppress(shop.id, emails[3], "unsubscribe")
    suppress(shop.id, emails[4], "complaint")
    suppress(shop.id, emails[5], "manual", stream="transactional")
    suppress(shop.id, emails[6], "soft_bounce", expires_at=now() - timedelta(days=1))
    suppress(shop.id, emails[7], "mailbox_full", expires_at=now() + timedelta(days=1))
    draft = letter(audience=audience)
    segment = Segment.create(audience=audience, name="Tea", filter={"tag": "tea"})
    Broadcast.update(segment=segment).where(Broadcast.id == draft.id).execute()
    erasures.erase(shop.id, emails[8])
    again = Contact.create(audience=audience, email=emails[8])
    ContactTag.create(contact=again, tag=tag)

    found = Rehearsal(Broadcast.get_by_id(draft.id)).audience
    assert found.left_out == {
        "complaint": 1,
        "erased": 1,
        "hard_bounce": 1,
        "mailbox_full": 1,
        "not_in_segment": 1,
        "pending": 1,
        "unsubscribed": 1,
    }
    assert found.total == 5
    assert found.by_provider == {"outcome.example": 5}

    publish(draft.id)
    plan(draft.id)
    skipped = sum(found.left_out[reason] for reason in ("complaint", "hard_bounce", "mailbox_full"))
    assert sends(draft, SendState.SKIPPED) == skipped
    assert sends(draft, SendState.PLANNED) == found.total + found.left_out["erased"]
    wanted = [each for each in load_planned(draft.id, 0, again.id) if not each.unwanted]
    assert len(wanted) == found.total


def test_domains_are_told_by_their_servers_as_far_as_there_is_room(letter, readers, check, monkeypatch):
    people = readers(7)
    for contact, domain in zip(
        people.contacts, ("gone.invalid", "gone.invalid", "rare.invalid"), strict=False
    ):
        Contact.update(email=f"{contact.id}@{domain}").where(Contact.id == contact.id).execute()
    found = Rehearsal(letter(audience=people.audience)).audience
    assert found.by_provider == {"outcome.example": 4, "no server": 3}
    assert found.dead_domains == {"gone.invalid": 2, "rare.invalid": 1}
    assert found.largest(1) == {"outcome.example": 4, "others": 3}
    ((status, message, where),) = check("recipients", audience=people.audience)
    assert (status, where) == ("warning", "gone.invalid, rare.invalid")
    assert "No server takes mail for 3 of 7 recipients" in message
    monkeypatch.setattr(audiences, "MOST_DOMAINS", 2)
    assert Rehearsal(letter(audience=people.audience)).audience.by_provider == {
        "outcome.example": 4,
        "no server": 2,
        "not looked up": 1,
    }


@pytest.mark.parametrize(
    ("template", "bare"),
    [
        ("{{ contact.first_name }} {{ contact.email }} {{ contact.id }}", ["contact.first_name"]),
        ("{{ contact.first_name | upcase | default: 'x' }}", []),
        ("{{ contact.first_name | upcase }}", ["contact.first_name"]),
        ("{% if contact.properties.city %}{{ contact.properties.city }}{% else %}x{% endif %}", []),
        ("{% if contact.name %}{{ contact.properties.city }}{% endif %}", ["contact.properties.city"]),
        ("{% unless contact.name == '' %}{{ contact.name }}{% endunless %}", []),
        ("{% assign n = contact.last_name %}{{ n }}", ["contact.last_name"]),
        ("{% assign n = contact.last_name | default: 'x' %}{{ n }}", []),
        ("{% for t in contact.properties.tags %}{{ t }}{% endfor %}", []),
        ("{% case contact.properties.plan %}{% when 'a' %}{{ contact.properties.plan }}{% endcase %}", []),
        ("{{ contact.properties.tags.size }}{{ sender.name }}{{ unsubscribe_url }}", []),
    ],
)
def test_fields_without_a_fallback(template, bare):
    assert without_fallback([content(f"<p>{template}</p>")]) == bare


def test_for_how_many_a_merge_field_is_empty(letter, readers, check, shop):
    people = readers(5)
    properties = [{"city": "Köln", "a b": 1}, {"city": ""}, {"city": None}, {"city": []}, {}]
    for contact, values in zip(people.contacts, properties, strict=True):
        Contact.update(properties=values).where(Contact.id == contact.id).execute()
    suppress(shop.id, people.contacts[4].email, "complaint")
    html = """<p>{{ contact.properties.city }} {{ contact.properties['a b'] }} {{ contact.first_name }}
        {{ contact.name }} {{ contact.last_name | default: 'x' }} {{ contact.last_name }}</p>"""
    found = Rehearsal(letter(audience=people.audience, body=html)).audience
    assert found.gaps == {
        "contact.first_name": Gap(0, None),
        "contact.last_name": Gap(4, people.contacts[0].id),
        "contact.name": Gap(0, None),
        "contact.properties.a b": Gap(3, people.contacts[1].id),
        "contact.properties.city": Gap(3, people.contacts[1].id),
    }
    findings = check("merge_fields", audience=people.audience, body=html)
    assert [(status, where) for status, _, where in findings] == [
        ("failure", "contact.last_name"),
        ("warning", "contact.properties.a b"),
        ("warning", "contact.properties.city"),
    ]
    assert f"for 3 of 4 recipients, such as contact {people.contacts[1].id}" in findings[1][1]


def recipients(**by_provider):
    return audiences.Recipients(sum(by_provider.values()), by_provider, {}, {}, {})


@pytest.mark.usefixtures("_lanes")
def test_the_time_is_that_of_the_slowest_lane(letter):
    draft = letter()
    lane_policies.put("ada", "google", Limits(per_minute=60))
    found = expected(draft, recipients(google=600, microsoft=1200))
    assert found.seconds == pytest.approx(615)
    assert found.limited_by == "the lane to google: 60 mails a minute from source default"
    for name in ("out-1", "out-2"):
        Source.create(name=name, pools=["engage"], state="active")
    assert expected(draft, recipients(google=600)).seconds == pytest.approx(307.5)
    unknown = recipients(**{"not looked up": 10})
    assert expected(draft, unknown) == Duration(None, "no provider was looked up")
    nowhere = recipients(**{"no server": 10})
    assert expected(draft, nowhere) == Duration(None, "nobody would get it")


@pytest.mark.usefixtures("_lanes")
def test_a_warm_up_makes_it_days_and_what_is_held_has_no_end(letter, monkeypatch):
    draft = letter()
    # Nothing was sent from it today.
    source = Source.create(name=f"out-{uuid4().hex[:8]}", pools=["engage"], state="active")
    day = now().date()
    days = {str(day + timedelta(days=n)): 100 * 2**n for n in range(5)}
    Warmup.create(source=source, provider="google", surplus="wait", days=days)
    found = expected(draft, recipients(google=650))
    assert 2 * 86_400 < found.seconds + now().timestamp() % 86_400 < 3 * 86_400
    assert f"the day's ceiling to google from {source.name}" in found.limited_by
    lane_controls.hold("ada", "pause", "*", "google", "421 since noon")
    assert expected(draft, recipients(google=650)).seconds is None
    assert expected(draft, recipients(google=650)).limited_by.endswith("held by ada: 421 since noon")


@pytest.mark.usefixtures("_lanes")
def test_it_takes_no_less_than_the_last_ones_took_to_hand_over(letter):
    before, at = letter(), now()
    fields = {"planned_total": 10**9, "published_at": at - timedelta(seconds=10**8), "finished_at": at}
    Broadcast.update(state="sent", **fields).where(Broadcast.id == before.id).execute()
    found = expected(letter(), recipients(google=100, other=100))
    Broadcast.update(planned_total=0).where(Broadcast.id == before.id).execute()
    assert found.seconds == pytest.approx(20, rel=0.01)
    assert found.limited_by == "handing over to the edges: 10 mails a second, as measured lately"


@pytest.mark.parametrize(
    ("mails", "rooms", "seconds"),
    [
        (10, [100], 10),
        (10, [100, 100], 5),
        (30, [10, 100], 20),
        (31, [10, 20], None),
        (30, [10, 20], 20),
        (9, [0, 9], 9),
    ],
)
def test_sources_share_the_mails_until_their_room_ends(mails, rooms, seconds):
    assert _seconds_for(mails, 1, rooms) == (seconds and pytest.approx(seconds))
