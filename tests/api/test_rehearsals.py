"""POST /v1/broadcasts/{id}/rehearsal, with the simulator for DNS and no edge that knows the domain."""

import pytest

from sidecars.api.ids import number
from sidecars.broadcasts.rehearsal import spam
from sidecars.models import Broadcast


@pytest.fixture
def address(stack, goods, monkeypatch):
    stack.start_processes("simulator")
    # The filter's own word is tested in tests/broadcasts/rehearsal.
    monkeypatch.setattr(spam, "FILTERS", ())
    return f"/v1/broadcasts/{goods.ids.broadcast}/rehearsal"


def test_a_rehearsal_answers_checks_recipients_and_duration(acme, address, goods):
    answer = acme.post(address)
    assert answer.status_code == 200, answer.json
    said = answer.json
    by_status = [check["status"] for check in said["checks"]]
    assert said["summary"] == {
        "passed": by_status.count("passed"),
        "warnings": by_status.count("warning"),
        "failures": by_status.count("failure"),
        "skipped": by_status.count("skipped"),
    }
    first = {check["check"]: check for check in reversed(said["checks"])}
    assert first["dkim"]["status"] == "failure"
    assert first["unsubscribe_link"] == {
        "check": "unsubscribe_link",
        "status": "failure",
        "message": "The HTML has no link that unsubscribes.",
        "fix": 'Add <a href="{{ unsubscribe_url }}">Unsubscribe</a>.',
        "where": "body",
    }
    assert first["composed"]["message"].startswith(f"Composed for contact {goods.contact.id};")
    assert first["spam_filter"]["status"] == "skipped"
    assert said["recipients"]["total"] == sum(said["recipients"]["by_provider"].values()) == 1
    assert said["recipients"]["left_out"] == {}
    assert said["duration"]["seconds"] < 60


def test_it_may_be_for_a_contact_of_the_audience_and_for_no_other(acme, other, address, goods, fields):
    second = acme.post(f"/v1/audiences/{goods.ids.audience}/contacts", json={"email": "bob@mail.example"})
    said = acme.post(address, json={"contact_id": second.json["id"]}).json
    assert any(f"contact {number(second.json['id'])};" in check["message"] for check in said["checks"])
    assert said["recipients"]["total"] == 2
    assert fields(acme.post(address, json={"contact_id": 999_999_999})) == ["contact_id"]
    assert other.post(address).status_code == 404


def test_what_is_on_its_way_is_409(acme, address, goods):
    Broadcast.update(state="sent").where(Broadcast.id == goods.broadcast.id).execute()
    answer = acme.post(address)
    assert (answer.status_code, answer.json["state"]) == (409, "sent")
