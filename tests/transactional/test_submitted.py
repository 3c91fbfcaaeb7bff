import uuid
from datetime import date

import pytest
from peewee import IntegrityError

from sidecars import names
from sidecars.broadcasts import spending
from sidecars.broadcasts.settle import Settlement, settle
from sidecars.broadcasts.states import SendState
from sidecars.edge.messages import Attribution, resolve
from sidecars.edge.store import redis
from sidecars.models import Email, Send
from sidecars.transactional.submitted import record_submitted
from sidecars.usage import allowance


def event(team_id, kind="accepted", **changes):
    return {
        "type": kind,
        "message_id": str(uuid.uuid4()),
        "occurred_at": "2026-03-01T10:20:30.456Z",
        "team_id": team_id,
        "recipient": "ana@people.example",
        "from_domain": "news.acme.example",
        "subject": "Your receipt",
        "queue_id": "0A1B.1",
        "stream": "transactional",
    } | changes


def send_of(report):
    return Send.get(Send.message_id == uuid.UUID(report["message_id"]))


def test_a_submitted_mail_gets_its_rows_and_is_known_from_then_on(team):
    report = event(team.id)
    message_id = uuid.UUID(report["message_id"])
    found = record_submitted([report])
    email = Email.get(Email.message_id == message_id)
    assert found == {message_id: Attribution(team.id, 0, email.id, 0)} == resolve([message_id])
    assert redis.exists(names.message_key(message_id))
    assert (email.source, email.recipient, email.from_address, email.subject) == (
        "smtp",
        "ana@people.example",
        "@news.acme.example",
        "Your receipt",
    )
    assert email.created_at.isoformat() == "2026-03-01T10:20:30.456000+00:00"
    row = send_of(report)
    assert (row.broadcast_id, row.contact_id, row.state) == (0, email.id, SendState.ACCEPTED)
    assert row.accepted_at == 1772360430


def test_the_same_event_again_changes_nothing(team):
    reports = [event(team.id), event(team.id)]
    first = record_submitted(reports)
    settle([Settlement(0, whose.contact_id, SendState.DELIVERED) for whose in first.values()])
    assert record_submitted(reports + reports) == first
    assert {send_of(report).state for report in reports} == {SendState.DELIVERED}
    assert allowance.taken(team.id, date(2026, 3, 1)) == 2
    assert spending.differences(team.id) == {}


def test_the_event_of_a_delivery_may_come_first(team):
    delivered = event(team.id, "delivered")
    found = record_submitted([delivered])
    (whose,) = found.values()
    settle([Settlement(0, whose.contact_id, SendState.DELIVERED)])
    record_submitted([delivered | {"type": "accepted"}])
    assert send_of(delivered).state == SendState.DELIVERED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_only_the_event_of_its_acceptance_names_a_mails_submission(team, order):
    def reports():
        accepted = event(team.id)
        both = (accepted, accepted | {"type": "delivered", "queue_id": "0A1B.1.2"})
        return [both[place] for place in order]

    def submission(report):
        return Email.get(Email.message_id == uuid.UUID(report["message_id"])).submission

    one_by_one, together = reports(), reports()
    for report in one_by_one:
        record_submitted([report])
    record_submitted(together)
    assert submission(one_by_one[0]) == submission(together[0]) == "0A1B.1"


def test_each_recipient_of_a_mail_has_a_row(team):
    reports = [event(team.id, recipient=f"person{i}@people.example") for i in range(3)]
    assert len(record_submitted(reports)) == 3
    assert len({send_of(report).contact_id for report in reports}) == 3


def test_a_mail_of_a_team_that_there_is_not_is_refused():
    with pytest.raises(IntegrityError):
        record_submitted([event(4_000_000_000)])


def test_nothing_submitted_nothing_recorded():
    assert record_submitted([]) == {}


def test_a_mail_without_a_subject_is_recorded(team):
    report = event(team.id, subject=None, from_domain=None)
    record_submitted([report])
    assert Email.get(Email.message_id == uuid.UUID(report["message_id"])).subject == ""
