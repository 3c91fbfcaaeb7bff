"""What a contact's history and activity tell, and contacts merged."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from sidecars.analytics.client import client
from sidecars.api.ids import EXAMPLE_UUID
from sidecars.deliverability.suppressions import lift, suppress

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def contact(goods):
    return f"/v1/contacts/{goods.ids.contact}"


def test_a_subscription_is_told_move_by_move_with_its_proof(acme, goods, contact):
    consent = {"ip": "2001:db8::7", "user_agent": "Mozilla/5.0", "text": "Send me the letter.\nEvery Friday."}
    acme.patch(contact, json={"status": "unsubscribed"})
    acme.patch(contact, json={"status": "unsubscribed", "consent": consent})
    acme.patch(contact, json={"status": "subscribed", "consent": consent})
    row = suppress(acme.team.id, goods.contact.email, "complaint", event_id="event-7")
    lift(acme.team.id, row.id, "asked by phone", "key_7")
    told = acme.get(f"{contact}/subscriptions").json["data"]
    assert [(entry["status"], entry["source"]) for entry in told] == [
        ("allowed", "api"),
        ("suppressed", "complaint"),
        ("subscribed", "form"),
        ("unsubscribed", "api"),
        ("subscribed", "api"),
    ]
    form = told[2]
    assert (form["ip"], form["user_agent"], form["shown"]) == tuple(consent.values())
    assert form["reference"].startswith("key_")
    assert told[0]["shown"] == "asked by phone"
    assert told[1]["reference"] == "event-7"


def test_a_consents_address_is_one(acme, goods, fields):
    body = {"email": "x@mail.example", "consent": {"ip": "somewhere"}}
    assert fields(acme.post(f"/v1/audiences/{goods.ids.audience}/contacts", json=body)) == ["consent.ip"]


def test_an_audience_that_asks_needs_a_sender_of_its_own_team(acme, other, goods, fields):
    place = f"/v1/audiences/{goods.ids.audience}"
    assert fields(acme.patch(place, json={"double_opt_in": True})) == ["confirmation_sender_id"]
    body = {"name": "New", "confirmation_sender_id": goods.ids.sender}
    assert fields(other.post("/v1/audiences", json=body)) == ["confirmation_sender_id"]
    asks = {"double_opt_in": True, "confirmation_sender_id": goods.ids.sender}
    assert acme.patch(place, json=asks).json.items() >= asks.items()
    assert acme.patch(place, json={"locale": "de"}).json.items() >= asks.items()

    made = acme.post(f"{place}/contacts", json={"email": "bob@mail.example"}).json
    assert (made["status"], made["subscribed_at"]) == ("pending", None)
    known = acme.post(f"{place}/contacts", json={"email": "eve@mail.example", "status": "subscribed"}).json
    assert known["status"] == "subscribed"
    told = acme.get(f"/v1/contacts/{made['id']}/subscriptions").json
    assert [entry["status"] for entry in told["data"]] == ["pending"]
    assert [each["state"] for each in told["confirmations"]] == ["waiting"]
    again = acme.post(f"/v1/contacts/{made['id']}/confirmation")
    assert (again.status_code, again.json["state"]) == (409, "asked")
    nobody = acme.post(f"/v1/contacts/{known['id']}/confirmation")
    assert (nobody.status_code, nobody.json["state"]) == (409, "subscribed")


def test_a_merged_contact_is_found_by_both_ids_with_the_activity_of_both(acme, other, goods, contact, fields):
    place = f"/v1/audiences/{goods.ids.audience}/contacts"
    second = acme.post(place, json={"email": "a@mail.example", "last_name": "L.", "tags": ["vip"]}).json
    numbers = (goods.contact.id, int(second["id"].removeprefix("con_")))
    happen(acme.team.id, goods.broadcast.id, numbers)

    def activity(place, limit=3):
        found, cursor = [], ""
        while cursor is not None:
            page = acme.get(f"{place}/activity?limit={limit}{cursor and '&cursor=' + cursor}").json
            assert len(page["data"]) <= limit
            found += page["data"]
            cursor = page["next_cursor"]
        return found

    first = activity(contact)
    assert [event["type"] for event in first] == [
        "unsubscribe",
        "click",
        "open",
        "open",
        "delivered",
        "accepted",
    ]
    assert [event["by_person"] for event in first] == [None, True, False, False, None, None]
    assert first[1]["url"] == "https://acme.example/x"
    assert first[1]["broadcast_id"] == goods.ids.broadcast
    assert [event["type"] for event in activity(f"/v1/contacts/{second['id']}")] == ["bounced"]

    assert fields(acme.post(f"{contact}/merge", json={"contact_id": "con_999999999"})) == ["contact_id"]
    assert fields(acme.post(f"{contact}/merge", json={"contact_id": goods.ids.contact})) == ["contact_id"]
    merged = acme.post(f"{contact}/merge", json={"contact_id": second["id"]}).json
    assert (merged["email"], merged["last_name"], merged["tags"]) == ("ada@mail.example", "Lovelace", ["vip"])
    assert acme.get(f"/v1/contacts/{second['id']}").json == merged
    assert other.get(f"/v1/contacts/{second['id']}").status_code == 404
    assert [event["type"] for event in activity(contact, 4)] == [
        "bounced",
        *(event["type"] for event in first),
    ]
    for wrong in ("WyJ4Iiwxbg", f"{'A' * 8}"):
        assert fields(acme.get(f"{contact}/activity?cursor={wrong}")) == ["cursor"]

    assert acme.delete(contact).status_code == 204
    assert acme.get(f"/v1/contacts/{second['id']}").status_code == 404


def happen(team_id, broadcast_id, contact_ids):
    """A mail to each: the first is delivered, opened and clicked, the second bounces later."""

    def at(minutes):
        return START + timedelta(minutes=minutes)

    first, second = (
        {"team_id": team_id, "broadcast_id": broadcast_id, "contact_id": id_, "message_id": uuid4()}
        for id_ in contact_ids
    )
    transactional = first | {"broadcast_id": 0}  # there the number is that of a mail
    clock = {"processed_at": at(500)}
    mails = [
        first | {"type": "accepted", "occurred_at": at(0)},
        first | {"type": "delivered", "occurred_at": at(1)},
        second | {"type": "bounced", "occurred_at": at(9), "reason": "hard_bounce"},
        transactional | {"type": "delivered", "occurred_at": at(3)},
        first | {"type": "delivered", "occurred_at": at(1), "team_id": team_id + 1},
    ]
    insert("smtp_messages", [{"event_id": uuid4(), "reason": ""} | mail | clock for mail in mails])
    judged_anew = first | {"event_id": EXAMPLE_UUID, "occurred_at": at(2)}
    opens = [
        judged_anew | {"verdict": "person", "processed_at": at(400)},
        judged_anew | {"verdict": "privacy_proxy", "processed_at": at(500)},
        first | {"event_id": uuid4(), "occurred_at": at(3), "verdict": "scanner"} | clock,
    ]
    insert("smtp_email_opens", opens)
    clicks = [
        {"type": "click", "url": "https://acme.example/x", "verdict": "person", "occurred_at": at(4)},
        {"type": "unsubscribe", "url": "", "verdict": "person", "occurred_at": at(5)},
    ]
    insert("smtp_email_clicks", [first | {"event_id": uuid4()} | click | clock for click in clicks])


def insert(table, rows):
    columns = list(rows[0])
    client().execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES",
        [[row[name] for name in columns] for row in rows],
    )
