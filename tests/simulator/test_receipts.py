import json
import re

import pytest

from simulator.receipts import Kind, Receipts, Subject


@pytest.fixture
def receipts(tmp_path):
    receipts = Receipts(tmp_path / "receipts.ndjson")
    yield receipts
    receipts.close()


def subject(broadcast_id=1, recipient="a@bigmail.example"):
    return Subject("01890a5d-ac96-774b-bcce-b302099a8057", broadcast_id, 5, recipient, "bigmail")


def test_a_fact_is_one_line_with_every_field(receipts):
    receipts.add(Kind.OPENED, subject(), 200, "GET /o", ip="84.128.0.1")
    (line,) = receipts.lines()
    fact = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fact.pop("at"))
    assert fact == {
        "kind": "opened",
        "message_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "broadcast_id": 1,
        "contact_id": 5,
        "recipient": "a@bigmail.example",
        "provider": "bigmail",
        "code": 200,
        "text": "GET /o",
        "ip": "84.128.0.1",
    }


def test_lines_can_be_those_of_a_broadcast_and_a_kind(receipts):
    for broadcast_id in (1, 11, None):
        for kind in (Kind.ACCEPTED, Kind.OPENED):
            receipts.add(kind, subject(broadcast_id), 250, "Ok")
    chosen = [json.loads(line) for line in receipts.lines(1, "opened")]
    assert [(fact["broadcast_id"], fact["kind"]) for fact in chosen] == [(1, "opened")]
    assert len(list(receipts.lines(broadcast_id=11))) == 2
    assert len(list(receipts.lines(kind="accepted"))) == 3


def test_a_value_that_looks_like_a_field_is_not_taken_for_one(receipts):
    receipts.add(Kind.REFUSED, subject(2), 550, 'x","broadcast_id":1,"kind":"opened",')
    assert not list(receipts.lines(broadcast_id=1))
    assert not list(receipts.lines(kind="opened"))


def test_facts_and_counts_outlive_the_process(receipts, tmp_path):
    receipts.add(Kind.ACCEPTED, subject(), 250, "Ok")
    receipts.close()
    again = Receipts(tmp_path / "receipts.ndjson")
    again.add(Kind.ACCEPTED, subject(), 250, "Ok")
    assert len(list(again.lines())) == again.total()["accepted"] == 2
    again.close()


def test_reset_forgets_every_fact(receipts):
    receipts.add(Kind.ACCEPTED, subject(), 250, "Ok")
    receipts.reset()
    assert not list(receipts.lines())
    assert set(receipts.total().values()) == {0}
