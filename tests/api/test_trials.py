"""Preview, test mails and validation, through the real edge to the simulator."""

from uuid import UUID

import pytest
import requests

from sidecars.deliverability.suppressions import suppress
from sidecars.edge.records import write_domain
from sidecars.models import Email, Send, SendingDomain
from tests.support import wait_for


@pytest.fixture(scope="session")
def edge(stack):
    """Haraka, and the world behind it; returns the simulator's base URL."""
    stack.start_processes("simulator", "webhook", "smtp")
    return f"http://127.0.0.1:{stack.ports['simulator_http']}"


@pytest.fixture
def address(goods):
    return f"/v1/broadcasts/{goods.ids.broadcast}"


def receipts(edge, recipient):
    lines = requests.get(f"{edge}/receipts.ndjson", timeout=10).text.splitlines()
    return [line for line in lines if recipient in line]


def test_a_preview_is_filled_in_for_a_contact(acme, address, goods):
    shown = acme.post(f"{address}/preview", json={"contact_id": goods.ids.contact})
    assert shown.status_code == 200
    assert shown.json["subject"] == "Hello Ada"
    assert "Hi Ada" in shown.json["html"]
    assert "https://acme.example/x" in shown.json["html"]
    assert "Hi Ada" in shown.json["text"]


def test_a_preview_is_filled_in_for_a_made_up_reader(acme, address):
    sample = {"first_name": "<b>Bob</b>", "properties": {"city": "Köln"}}
    shown = acme.post(f"{address}/preview", json={"sample": sample}).json
    assert shown["subject"] == "Hello <b>Bob</b>"
    assert "&lt;b&gt;Bob" in shown["html"]
    assert acme.post(f"{address}/preview").json["subject"] == "Hello Ada"
    empty = acme.post(f"{address}/preview", json={"sample": {"first_name": ""}}).json
    assert empty["subject"] == "Hello friend"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"contact_id": 999_999_999}, "contact_id"),
        ({"contact_id": "x"}, "contact_id"),
        ({"variant": 1}, "variant"),
        ({"variant": -1}, "variant"),
        ({"sample": {"email": "x"}}, "sample.email"),
        ({"sample": {"properties": {"a": {}}}}, "sample.properties.a"),
    ],
)
def test_a_reader_must_be_one(acme, address, fields, body, field):
    assert fields(acme.post(f"{address}/preview", json=body)) == [field]


def test_a_contact_of_another_audience_is_no_reader(acme, address, goods, fields):
    elsewhere = acme.post("/v1/audiences", json={"name": "Elsewhere"}).json["id"]
    contact = acme.post(f"/v1/audiences/{elsewhere}/contacts", json={"email": "a@b.example"}).json["id"]
    assert fields(acme.post(f"{address}/preview", json={"contact_id": contact})) == ["contact_id"]


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"subject": "Hello {{ contact.first_name"}, "subject", ""),
        ({"body": "<p>\n{% if %}</p>"}, "body", "Line 2"),
        ({"kind": "mjml", "body": "<mjml><mj-body>\n<mj-text>x</mjml>"}, "body", "MJML"),
        ({"body": ""}, "body", "Write a body"),
    ],
)
def test_what_an_author_must_mend_is_told_by_place_and_line(acme, address, fields, change, field, told):
    acme.patch(address, json=change)
    response = acme.post(f"{address}/preview")
    assert fields(response) == [field]
    assert told in response.json["errors"][0]["message"]
    validation = acme.post(f"{address}/validate")
    assert validation.status_code == 200
    assert validation.json["valid"] is False
    assert field in [error["field"] for error in validation.json["errors"]]


def test_a_good_broadcast_is_valid(acme, address):
    assert acme.post(f"{address}/validate").json == {"valid": True, "errors": []}


def test_test_mails_arrive_marked_and_apart_from_the_broadcast(acme, address, goods, edge):
    write_domain(goods.domain.id)
    to = f"me-{goods.broadcast.id}@inbox.example"
    sent = acme.post(f"{address}/test-send", json={"addresses": [to, to.upper()]})
    assert sent.status_code == 200
    assert [(each["address"], each["status"]) for each in sent.json["data"]] == [(to, "accepted")]
    wait_for(lambda: receipts(edge, to))
    message_id = UUID(sent.json["data"][0]["message_id"].removeprefix("msg_"))
    email = Email.get(Email.message_id == message_id)
    assert (email.source, email.recipient) == ("test", to)
    assert email.subject.startswith("[Test] Hello")
    send = Send.get(Send.message_id == message_id)
    assert (send.broadcast_id, send.contact_id) == (0, email.id)
    found = acme.get(f"/v1/messages/{message_id}").json
    assert (found["recipient"], found["broadcast_id"]) == (to, None)
    assert acme.get(f"{address}/messages").json["data"] == []


def test_a_suppressed_address_gets_no_test(acme, address, goods, edge):
    write_domain(goods.domain.id)
    suppress(acme.team.id, "gone@inbox.example", "complaint")
    sent = acme.post(f"{address}/test-send", json={"addresses": ["gone@inbox.example"]}).json["data"]
    assert sent == [
        {"address": "gone@inbox.example", "message_id": None, "status": "suppressed", "reply": "complaint"}
    ]


def test_nothing_goes_out_from_a_domain_that_is_not_verified(acme, address, goods, fields):
    SendingDomain.update(verified_at=None).where(SendingDomain.id == goods.domain.id).execute()
    response = acme.post(f"{address}/test-send", json={"addresses": ["me@inbox.example"]})
    assert fields(response) == ["sender_id"]
    assert "not verified" in response.json["message"]
    assert not Email.select().where(Email.recipient == "me@inbox.example").exists()


@pytest.mark.parametrize(
    ("addresses", "field"),
    [
        ([], "addresses"),
        ([f"p{n}@mail.example" for n in range(6)], "addresses"),
        (["a@b.example", "nobody"], "addresses.1"),
        ("a@b.example", "addresses"),
    ],
)
def test_a_test_goes_to_one_to_five_addresses(acme, address, fields, addresses, field):
    assert fields(acme.post(f"{address}/test-send", json={"addresses": addresses})) == [field]
