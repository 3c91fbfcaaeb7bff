"""What POST /v1/emails takes, and what it says of the rest. That mail arrives is in tests/transactional."""

from base64 import b64encode
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from sidecars.broadcasts.states import SendState
from sidecars.deliverability import mail_streams
from sidecars.models import (
    Email,
    EmailTag,
    IdempotencyKey,
    QueuedSubmission,
    Send,
    Submission,
    Team,
    database,
    now,
)
from sidecars.transactional import reading

MIB = 1024 * 1024


@pytest.fixture
def mail(goods):
    """A good one, but for what the test says."""
    body = {
        "from": f"Acme <orders@{goods.domain.name}>",
        "to": "ada@mail.example",
        "subject": "x",
        "text": "x",
    }
    return lambda **fields: {name: value for name, value in (body | fields).items() if value is not None}


WRONG = {
    "from": [None, "", 7, "Acme", "a@b", "Acme <a@b.example> x", "Ac\r\nme <a@b.example>", ["a@b.example"]],
    "to": [None, [], "", "ada", ["ada@mail.example", "x"], {"a": 1}, [f"a{n}@b.example" for n in range(51)]],
    "cc": [[], "x"],
    "bcc": ["a b@c.example"],
    "reply_to": ["x"],
    "subject": [7, "x" * 999],
    "text": [7],
    "attachments": [[{"filename": "a.txt", "content": "***"}], [{"content": "eA=="}], "x"],
    "headers": [
        {"Bcc": "x"},
        {"X-A": "a\r\nBcc: b"},
        {"X A": "b"},
        {"X-Kibamail-Tag": "a"},
        {"content-type": "a"},
    ],
    "tags": [[""], ["x" * 101], ["x"] * 11, "x", ["a\nb"]],
    "metadata": [{"a b": "c"}, {"a": {"b": 1}}, {"a": "x" * 201}, {str(n): "x" for n in range(21)}],
    "send_at": ["tomorrow", "2026-12-01T09:00:00", "2999-01-01T00:00:00Z"],
    "stream": ["fax"],
    "track_opens": ["yes"],
    "template_id": [12, "aud_1"],
}


@pytest.mark.parametrize("field", WRONG)
def test_what_is_wrong_is_refused_by_its_name_and_nothing_is_kept(acme, mail, fields, field):
    for value in WRONG[field]:
        body = mail() | {field: value}
        if value is None:
            del body[field]
        found = fields(acme.post("/v1/emails", json=body))
        assert found[0].split(".")[0] == field, (value, found)
    assert Submission.select().where(Submission.team == acme.team.id).count() == 1  # that of `goods`


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"text": None}, "give one of html, text, mjml and template_id"),
        ({"subject": None}, "subject: write one"),
        ({"html": "x", "mjml": "y"}, "not both"),
        ({"template_id": "tmp_1"}, "not both"),
        ({"variables": {}}, "variables: are for"),
        ({"cc": ["c@d.example"] * 50}, "50 addresses at most"),
        ({"attachments": [{"filename": "x.EXE", "content": ""}]}, "providers refuse"),
        ({"attachments": [{"filename": "a", "content": "", "content_type": "a\nb"}]}, "content_type"),
        ({"attachments": [{"filename": "a", "content": "", "content_id": "<a>"}]}, "content_id"),
        ({"attachments": [{"filename": "a", "content": b64encode(bytes(16 * MIB)).decode()}]}, "15 MiB"),
        ({"html": "{{ nobody }}", "variables": {}}, "There is no merge field nobody"),
        ({"from": "a@bank.example"}, "bank.example is no verified domain of this team. Verified:"),
        ({"from": None, "text": None, "template_id": "tmp_999999", "subject": None}, "from"),
    ],
)
def test_what_does_not_go_together_is_told_in_words(acme, mail, fields, said, told):
    response = acme.post("/v1/emails", json=mail(**said))
    assert fields(response)
    assert told in response.json["message"]


def test_a_mail_and_all_its_rows_are_there_when_it_is_answered(acme, mail):
    body = mail(to=["Ada <ada@mail.example>", "bob@mail.example"], cc=["ADA@mail.example"], tags=["a", "b"])
    taken = acme.post("/v1/emails", json=body)
    assert taken.status_code == 202
    assert [(copy["to"], copy["kind"]) for copy in taken.json["messages"]] == [
        ("ada@mail.example", "to"),
        ("bob@mail.example", "to"),
    ]
    submission = Submission.get_by_id(UUID(taken.json["id"].removeprefix("email_")))
    copies = list(Email.select().where(Email.submission == submission.id.hex).order_by(Email.id))
    assert [f"msg_{copy.message_id.hex}" for copy in copies] == [
        copy["id"] for copy in taken.json["messages"]
    ]
    assert (
        Send.select().where(Send.contact_id.in_([copy.id for copy in copies]), Send.state == 1).count() == 2
    )
    assert EmailTag.select().where(EmailTag.team_id == acme.team.id).count() == 4
    assert QueuedSubmission.get_by_id(submission.id).claim is None
    shown = acme.get(f"/v1/emails/{taken.json['id']}").json
    assert [each["state"] for each in shown["messages"]] == ["planned", "planned"]


def test_a_key_brings_back_the_first_answer_for_a_day(acme, other, mail, fields):
    key = {"Idempotency-Key": f"order {uuid4()}"}
    first = acme.post("/v1/emails", json=mail(), headers=key)
    sorted_otherwise = dict(reversed(mail().items()))
    again = acme.post("/v1/emails", json=sorted_otherwise, headers=key)
    assert (first.status_code, again.status_code, again.data) == (202, 202, first.data)
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert fields(acme.post("/v1/emails", json=mail(subject="y"), headers=key)) == ["Idempotency-Key"]
    assert fields(acme.post("/v1/emails/batch", json={"emails": [mail()]}, headers=key)) == [
        "Idempotency-Key"
    ]
    assert fields(acme.post("/v1/emails", json=mail(), headers={"Idempotency-Key": "x" * 256}))
    assert other.post("/v1/emails", json=mail(), headers=key).status_code == 422  # not of their domain
    IdempotencyKey.update(created_at=now() - timedelta(hours=25)).where(
        IdempotencyKey.team_id == acme.team.id
    ).execute()
    later = acme.post("/v1/emails", json=mail(subject="y"), headers=key)
    assert (later.status_code, later.json["id"] == first.json["id"]) == (202, False)


def test_what_was_refused_does_not_use_its_key_up(acme, mail):
    key = {"Idempotency-Key": str(uuid4())}
    assert acme.post("/v1/emails", json=mail(to="x"), headers=key).status_code == 422
    assert acme.post("/v1/emails", json=mail(), headers=key).status_code == 202


def test_a_stream_that_stopped_and_a_team_that_had_its_hour_are_refused(acme, mail):
    mail_streams.stop(acme.team.id, "transactional", "too many bounces")
    stopped = acme.post("/v1/emails", json=mail())
    assert (stopped.status_code, stopped.json["state"]) == (409, "stopped")
    assert "resume" in stopped.json["message"]
    Team.update(recipients_an_hour=3).where(Team.id == acme.team.id).execute()
    two = mail(to=["a@b.example", "c@d.example"], stream="broadcast")
    assert acme.post("/v1/emails", json=two).status_code == 202
    over = acme.post("/v1/emails", json=two)
    assert over.status_code == 429
    assert int(over.headers["Retry-After"]) <= 3600
    assert "3 recipients an hour" in over.json["message"]


def test_lists_go_back_page_by_page_without_a_gap(acme, mail):
    batch = [mail(to=f"r{number}@b.example", tags=["even"] if number % 2 == 0 else []) for number in range(7)]
    assert acme.post("/v1/emails/batch", json={"emails": batch}).status_code == 202

    def walk(query):
        found, cursor = [], ""
        while cursor is not None:
            page = acme.get(f"/v1/emails?limit=2&{query}{cursor and f'&cursor={cursor}'}").json
            found += [row["to"] for row in page["data"]]
            cursor = page["next_cursor"]
        return found

    assert walk("state=planned")[:7] == [f"r{number}@b.example" for number in reversed(range(7))]
    assert walk("tag=even") == [f"r{number}@b.example" for number in (6, 4, 2, 0)]
    assert walk("to=R3@b.example") == ["r3@b.example"]
    assert walk(f"until={(now() - timedelta(hours=1)).isoformat().replace('+', '%2B')}") == []
    assert walk(f"since={(now() - timedelta(hours=1)).isoformat().replace('+', '%2B')}&state=delivered") == []


def test_a_list_takes_no_longer_among_many(acme, goods):
    """By its plan: each filter reads an index in the order of the list, and sorts nothing."""
    for wanted in (
        reading.Filter(),
        reading.Filter(recipient="c@d.example"),
        reading.Filter(state=SendState.BOUNCED),
        reading.Filter(stream="broadcast"),
        reading.Filter(tag="a"),
    ):
        sql, parameters = reading.query(acme.team.id, 0, 100, wanted).sql()
        plan = database.execute_sql(f"EXPLAIN {sql}", parameters).fetchall()
        assert "filesort" not in str(plan), (wanted, plan)
