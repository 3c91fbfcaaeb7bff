"""Reports, books and single mails: the ledger in MariaDB beside events in ClickHouse."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import clickhouse_driver
import pytest

from sidecars import storage
from sidecars.archive import parts
from sidecars.broadcasts import archiving
from sidecars.broadcasts.states import Reason, SendState
from sidecars.broadcasts.words import REASONS, STATES
from sidecars.models import ArchivedPart, Broadcast, Send, now
from sidecars.settings import settings

AT = datetime(2026, 11, 24, 10, 15, 30, 125000, UTC)


@pytest.fixture
def address(goods):
    return f"/v1/broadcasts/{goods.ids.broadcast}"


@pytest.fixture
def mails(acme, goods):
    """Four sends of the broadcast, in four states: contact id → message id."""
    made = {}
    states = [
        (SendState.DELIVERED, Reason.NONE),
        (SendState.BOUNCED, Reason.HARD_BOUNCE),
        (SendState.SKIPPED, Reason.SUPPRESSED),
        (SendState.PLANNED, Reason.NONE),
    ]
    for number, (state, reason) in enumerate(states):
        contact_id = goods.contact.id + number
        made[contact_id] = uuid4()
        Send.create(
            broadcast_id=goods.broadcast.id,
            contact_id=contact_id,
            team_id=acme.team.id,
            variant_id=1,
            message_id=made[contact_id],
            state=state,
            reason=reason,
            attempts=1,
            accepted_at=int(AT.timestamp()),
        )
    Broadcast.update(planned_total=4, state="sending").where(Broadcast.id == goods.broadcast.id).execute()
    return made


@pytest.fixture
def happened(acme, goods, mails):
    """Notes an event of a mail in ClickHouse."""
    client = clickhouse_driver.Client.from_url(settings.clickhouse_url)

    def _happened(contact_id, kind, **fields):
        row = {
            "event_id": uuid4(),
            "type": kind,
            "occurred_at": AT,
            "team_id": acme.team.id,
            "broadcast_id": goods.broadcast.id,
            "contact_id": contact_id,
            "message_id": mails[contact_id],
            "recipient": "ada@mail.example",
            "state": kind,
            "conversation": [("connect", 3, "220 hello"), ("dot", None, "250 ok")],
        } | fields
        client.execute(f"INSERT INTO smtp_messages ({', '.join(row)}) VALUES", [row])

    return _happened


def test_an_archived_broadcast_is_answered_for_as_before_till_its_file_is_damaged(
    acme, address, goods, happened
):
    Send.update(state=SendState.UNKNOWN).where(Send.state == SendState.PLANNED).execute()
    happened(goods.contact.id, "delivered")
    happened(goods.contact.id + 1, "bounced", reason="hard_bounce", code=550)
    asked = [f"{address}{what}" for what in ("/ledger", "/report", "/messages", "/progress")]

    def answers():
        """But for what waits in Kafka, of all broadcasts."""
        return [
            {name: value for name, value in acme.get(each).json.items() if name != "on_the_way"}
            for each in asked
        ]

    before = answers()
    assert len(before[0]["messages"]) == 1
    Broadcast.update(state="sent", finished_at=now()).where(Broadcast.id == goods.broadcast.id).execute()
    while archiving.advance(goods.broadcast.id):
        pass
    before[-1]["state"] = "sent"
    assert answers() == before

    key = ArchivedPart.get(ArchivedPart.broadcast == goods.broadcast.id).object_key
    file = {"Bucket": settings.s3_bucket, "Key": key}
    written = storage.client().get_object(**file)["Body"].read()
    storage.client().put_object(**file, Body=b"something else")
    parts._kept.cache_clear()
    damaged = [acme.get(each) for each in asked]
    assert [answer.status_code for answer in damaged] == [500, 200, 500, 200]
    assert "archive of this broadcast's ledger is damaged" in damaged[0].json["message"]
    storage.client().put_object(**file, Body=written)
    assert answers() == before


def test_the_books_balance_when_the_events_say_the_same(acme, address, goods, happened):
    before = acme.get(f"{address}/ledger").json
    assert before["balanced"] is False
    assert "the ledger has 1 delivered, ClickHouse 0" in before["differences"]
    happened(goods.contact.id, "delivered")
    happened(goods.contact.id + 1, "bounced", reason="hard_bounce", code=550)
    books = acme.get(f"{address}/ledger").json
    assert books["balanced"] is True
    assert books["differences"] == []
    assert books["planned_total"] == books["sum"] == sum(books["states"].values()) == 4
    assert books["clickhouse"] == {"delivered": 1, "bounced": 1, "unknown": 0, "cancelled": 0}
    assert (books["states"]["skipped"], books["states"]["planned"]) == (1, 1)


def test_a_row_too_few_is_told(acme, address, goods, mails):
    Broadcast.update(planned_total=5).where(Broadcast.id == goods.broadcast.id).execute()
    assert "5 were planned, the states add up to 4" in acme.get(f"{address}/ledger").json["differences"]


def test_the_report_has_the_ledger_and_the_events(acme, address, goods, happened):
    happened(goods.contact.id, "delivered")
    happened(goods.contact.id + 1, "bounced", reason="hard_bounce", code=550)
    report = acme.get(f"{address}/report")
    assert report.status_code == 200, report.get_data(as_text=True)
    assert (report.json["delivered"], report.json["bounced"]) == (1, 1)
    assert report.json["bounced_by_reason"] == {"hard_bounce": 1}
    assert report.json["states"]["skipped"] == 1
    assert report.json["opens"]["total"] == 0
    assert report.json["by_hour"][0]["hour"] == "2026-11-24T10:00:00.000Z"


def test_a_draft_has_an_empty_report(acme, address):
    report = acme.get(f"{address}/report").json
    assert (report["planned_total"], report["delivered"], report["by_hour"]) == (0, 0, [])


def test_mails_are_listed_by_state_and_page(acme, address, goods, mails):
    listed = acme.get(f"{address}/messages").json
    assert [mail["message_id"] for mail in listed["data"]] == [f"msg_{each.hex}" for each in mails.values()]
    first = listed["data"][0]
    assert (first["recipient"], first["state"], first["reason"]) == ("ada@mail.example", "delivered", "")
    assert first["accepted_at"] == "2026-11-24T10:15:30.000Z"
    bounced = acme.get(f"{address}/messages?state=bounced").json["data"]
    assert [mail["reason"] for mail in bounced] == ["hard_bounce"]
    assert bounced[0]["explanation"].endswith("The mailbox does not exist.")
    page = acme.get(f"{address}/messages?limit=3").json
    rest = acme.get(f"{address}/messages?limit=3&cursor={page['next_cursor']}").json
    assert len(page["data"]) + len(rest["data"]) == 4
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("state", ["claimed", "lost", "1"])
def test_an_unknown_state_is_refused(acme, address, fields, state):
    assert fields(acme.get(f"{address}/messages?state={state}")) == ["state"]


def test_a_mail_tells_its_whole_story(acme, goods, mails, happened):
    happened(goods.contact.id, "deferred", state="", code=451, response="try later", attempt=1)
    happened(goods.contact.id, "delivered", code=250, attempt=2, occurred_at=AT.replace(minute=20))
    story = acme.get(f"/v1/messages/{mails[goods.contact.id]}").json
    assert story["state"] == "delivered"
    assert story["explanation"] == "The recipient's server took it."
    assert [event["type"] for event in story["timeline"]] == ["deferred", "delivered"]
    deferred = story["timeline"][0]
    assert re.fullmatch("evt_[0-9a-f]{32}", deferred["event_id"])
    assert deferred["occurred_at"] == "2026-11-24T10:15:30.125Z"
    assert (deferred["code"], deferred["response"]) == (451, "try later")
    assert "220 hello" in str(deferred["conversation"])


def test_a_mail_of_no_broadcast_is_found_too(acme, goods):
    found = acme.get(f"/v1/messages/{goods.message_id}").json
    assert (found["broadcast_id"], found["contact_id"]) == (None, None)
    assert (found["recipient"], found["state"], found["timeline"]) == ("c@d.example", "accepted", [])


def test_another_teams_mail_is_not_found(other, mails, goods):
    assert other.get(f"/v1/messages/{mails[goods.contact.id]}").status_code == 404


def test_every_code_of_the_ledger_has_its_words():
    assert set(STATES) == set(SendState)
    assert set(REASONS) == set(Reason)


def test_a_person_is_told_why_they_got_it(acme, address, goods, happened):
    happened(goods.contact.id, "delivered", state="delivered", code=250, response="taken")

    answer = acme.get(f"{address}/why", query_string={"address": goods.contact.email})

    assert answer.status_code == 200
    assert answer.json["explanation"] == "The recipient's server took it."
    assert [event["type"] for event in answer.json["mail"]["timeline"]] == ["delivered"]


def test_a_stranger_is_told_why_they_did_not(acme, address, mails):
    answer = acme.get(f"{address}/why", query_string={"address": "stranger@mailbox.example"})

    assert answer.json["mail"] is None
    assert "no contact" in answer.json["explanation"]
