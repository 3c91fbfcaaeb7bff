from uuid import UUID, uuid4

import orjson
import pytest

from sidecars import names
from sidecars.broadcasts.states import Reason, SendState
from sidecars.edge.messages import Attribution
from sidecars.enrichers.outcome import Recipient, UnknownMessage
from sidecars.enrichers.statuses import process, provider, read
from tests.raw_events import arf, dsn, inbound, mta_event, refused

MESSAGE = uuid4()
WHOSE = Attribution(team_id=3, broadcast_id=7, contact_id=11, variant_id=2)
NOW = "2026-11-24T10:15:30.125Z"


def processed(event, whose, recipients):
    line = orjson.dumps(event)
    return process([line], [read(line)], {event["message_id"]: whose}, recipients, NOW)


def one(event, whose=WHOSE):
    return processed(event, whose, {MESSAGE: [Recipient(MESSAGE, whose, "person0@people.example")]})


def row_of(outcome):
    (row,) = outcome.rows[names.TOPIC_CH_MESSAGES]
    return orjson.loads(row) if isinstance(row, bytes) else row


def test_a_delivery_becomes_a_row_and_a_settlement():
    event = mta_event("delivered", MESSAGE, attempt=2)

    outcome = one(event)

    row = row_of(outcome)
    assert row["event_id"] == event["event_id"]
    assert [row[name] for name in ("team_id", "broadcast_id", "contact_id", "variant_id")] == [3, 7, 11, 2]
    assert (row["state"], row["provider"], row["conversation"]) == (
        "delivered",
        "bigmail",
        event["conversation"],
    )
    assert (row["tls_version"], row["connection_mail"]) == ("TLSv1.3", 1)
    (settlement,) = outcome.settlements
    assert settlement == (7, 11, SendState.DELIVERED, Reason.NONE, 2, "edge-1")
    assert outcome.suppressions == []


def test_a_deferral_proves_that_the_edge_has_the_mail_and_settles_nothing():
    outcome = one(mta_event("deferred", MESSAGE, code=451, enhanced="4.7.1", response="Greylisted"))

    assert row_of(outcome)["state"] == ""
    assert outcome.settlements[0].to is SendState.ACCEPTED


def test_an_event_of_an_older_edge_has_its_provider_by_the_mx_host():
    event = mta_event("delivered", MESSAGE)
    for later in ("provider", "tls_version", "connection_mail"):
        del event[later]

    row = row_of(one(event))

    assert row["provider"] == "bigmail.example"
    assert (row["tls_version"], row["connection_mail"]) == ("", 0)


def test_a_mail_whose_connection_was_lost_after_its_text_is_unknown():
    outcome = one(
        mta_event("unknown", MESSAGE, code=None, enhanced=None, response="connection lost after the dot")
    )

    assert (row_of(outcome)["state"], row_of(outcome)["reason"]) == ("unknown", "")
    assert outcome.settlements[0].to is SendState.UNKNOWN
    assert outcome.suppressions == []


def test_a_mail_of_a_cancelled_broadcast_is_cancelled():
    outcome = one(mta_event("cancelled", MESSAGE, code=None, enhanced=None, response="The broadcast was"))

    assert (row_of(outcome)["state"], row_of(outcome)["reason"]) == ("cancelled", "cancelled")
    assert outcome.settlements[0][2:4] == (SendState.CANCELLED, Reason.CANCELLED)


def test_a_mail_whose_recipient_was_suppressed_while_it_waited_is_cancelled_for_that():
    outcome = one(mta_event("cancelled", MESSAGE, code=550, enhanced="5.7.1", response="is suppressed"))

    assert (row_of(outcome)["state"], row_of(outcome)["reason"]) == ("cancelled", "suppressed")
    assert outcome.settlements[0][2:4] == (SendState.CANCELLED, Reason.SUPPRESSED)
    assert outcome.suppressions == []


def test_an_unknown_user_bounces_and_is_suppressed_with_the_servers_words():
    outcome = one(refused(MESSAGE, 550, "5.1.1", "No such user here", recipient="Person0@People.example"))

    assert (row_of(outcome)["state"], row_of(outcome)["reason"]) == ("bounced", "hard_bounce")
    assert outcome.settlements[0].reason is Reason.HARD_BOUNCE
    (suppression,) = outcome.suppressions
    assert suppression.email == "Person0@People.example"
    assert suppression.reason == "hard_bounce"
    assert suppression.detail == "550 5.1.1 No such user here"


@pytest.mark.parametrize(
    ("code", "enhanced", "words", "reason", "counts_as"),
    [
        (554, "5.7.1", "Message refused by local policy", "blocked", []),
        (421, "4.7.0", "Too many messages", "soft_bounce_expired", []),
        (452, "4.2.2", "Mailbox is full", "mailbox_full", ["mailbox_full"]),
        (450, "4.2.0", "Try again later", "soft_bounce_expired", ["soft_bounce"]),
    ],
)
def test_what_does_not_say_that_the_address_is_dead_counts_at_most_as_a_soft_bounce(
    code, enhanced, words, reason, counts_as
):
    outcome = one(refused(MESSAGE, code, enhanced, words))

    assert row_of(outcome)["reason"] == reason
    assert outcome.suppressions == []
    assert [bounce.reason for bounce in outcome.soft_bounces] == counts_as


def test_a_dsn_that_comes_later_bounces_the_mail_and_suppresses_its_recipient():
    outcome = one(
        inbound(MESSAGE, dsn("failed", "5.1.1", "550 5.1.1 unknown user", "forwarded@other.example"))
    )

    row = row_of(outcome)
    assert (row["kind"], row["state"], row["reason"]) == ("bounce", "bounced", "late_dsn")
    assert (row["stream"], row["recipient"]) == ("broadcast", "person0@people.example")
    assert outcome.settlements[0][2:4] == (SendState.BOUNCED, Reason.LATE_DSN)
    assert outcome.suppressions[0].email == "person0@people.example"


def test_a_dsn_about_a_full_mailbox_bounces_and_counts_as_a_soft_bounce():
    outcome = one(inbound(MESSAGE, dsn("failed", "5.2.2", "552 5.2.2 over quota")))

    assert outcome.settlements[0].to is SendState.BOUNCED
    assert outcome.suppressions == []
    (bounce,) = outcome.soft_bounces
    assert (bounce.email, bounce.reason) == ("person0@people.example", "mailbox_full")


SUBMITTED = [
    Recipient(uuid4(), Attribution(team_id=3, broadcast_id=0, contact_id=number, variant_id=0), address)
    for number, address in enumerate(("ann@people.example", "Bob@People.example", "cleo@people.example"), 21)
]


def returned(mail):
    """The outcome of a mail to the return path that three recipients of one submission share."""
    first = SUBMITTED[0]
    return processed(inbound(first.message_id, mail), first.whose, {first.message_id: SUBMITTED})


def test_a_dsn_to_a_shared_return_path_bounces_the_recipient_that_it_names():
    outcome = returned(dsn("failed", "5.1.1", "550 5.1.1 unknown user", "bob@people.example"))

    bob = SUBMITTED[1]
    row = row_of(outcome)
    assert (row["message_id"], row["contact_id"], row["recipient"]) == (
        str(bob.message_id),
        22,
        "Bob@People.example",
    )
    assert [settlement[:3] for settlement in outcome.settlements] == [(0, 22, SendState.BOUNCED)]
    assert [wish.email for wish in outcome.suppressions] == ["Bob@People.example"]


def test_a_dsn_that_names_several_recipients_bounces_each_of_them_once():
    named = ("cleo@people.example", "bob@people.example", "cleo@people.example", "stranger@people.example")
    outcome = returned(dsn("failed", "5.1.1", "550 5.1.1 unknown user", *named))

    rows = outcome.rows[names.TOPIC_CH_MESSAGES]
    assert [row["recipient"] for row in rows] == ["cleo@people.example", "Bob@People.example"]
    assert {row["state"] for row in rows} == {"bounced"}
    assert [settlement.contact_id for settlement in outcome.settlements] == [23, 22]


def test_a_dsn_to_a_shared_return_path_that_names_none_of_its_recipients_moves_nobody():
    outcome = returned(dsn("failed", "5.1.1", "550 5.1.1 unknown user", "forwarded@other.example"))

    row = row_of(outcome)
    assert (row["message_id"], row["kind"], row["state"]) == (str(SUBMITTED[0].message_id), "bounce", "")
    assert (outcome.settlements, outcome.suppressions) == ([], [])


def test_a_complaint_about_a_broadcast_keeps_all_mail_from_the_recipient_and_moves_no_send():
    outcome = one(inbound(MESSAGE, arf()))

    assert row_of(outcome)["kind"] == "complaint"
    assert [wish.reason for wish in outcome.suppressions] == ["complaint"]
    assert outcome.settlements == []


FORGED = {
    "complaint": arf().replace(
        b"Subject: Spring",
        b"Message-ID: <rival@rival.example>\r\nX-Kibamail-Message-ID: %s" % str(MESSAGE).encode(),
    ),
    "DSN": dsn("failed", "5.1.1", "550 5.1.1 unknown user")
    + b"X-Kibamail-Message-ID: %s\r\n" % str(MESSAGE).encode(),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_what_a_report_claims_of_mail_and_recipient_moves_nobody_at_an_address_without_a_token(forged):
    event = inbound(None, forged, "abuse@kb.news.example") | {"team_id": 3}

    outcome = one(event)

    assert row_of(outcome)["message_id"] == str(UUID(int=0))
    assert (outcome.settlements, outcome.suppressions, outcome.soft_bounces) == ([], [], [])


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_whomever_a_report_names_it_is_about_the_mail_whose_token_it_came_to(forged):
    """A rival has tokens of mail to themselves alone; what they write can touch nobody else."""
    rival, mine = uuid4(), Attribution(team_id=9, broadcast_id=8, contact_id=5, variant_id=1)
    recipients = {rival: [Recipient(rival, mine, "rival@rival.example")]}

    outcome = processed(inbound(rival, forged), mine, recipients)

    assert [(wish.team_id, wish.email) for wish in outcome.suppressions] == [(9, "rival@rival.example")]
    assert {settlement[:2] for settlement in outcome.settlements} <= {(8, 5)}


def test_a_mail_to_the_unsubscribe_address_is_an_unsubscribe_among_the_others():
    event = inbound(MESSAGE, b"To: u-token@kb.news.example\r\n\r\n", "u-token@kb.news.example")

    outcome = one(event)

    assert outcome.unsubscribes[0].how == "mailto"
    (row,) = outcome.rows[names.TOPIC_CH_CLICKS]
    assert (row["type"], row["method"], row["event_id"]) == ("unsubscribe", "mailto", event["event_id"])


def test_an_automatic_reply_is_kept_and_moves_nothing():
    outcome = one(inbound(MESSAGE, b"Auto-Submitted: auto-replied\r\n\r\nAway\r\n"))

    assert row_of(outcome)["kind"] == "auto_reply"
    assert (outcome.settlements, outcome.suppressions, outcome.unsubscribes) == ([], [], [])


def test_mail_to_postmaster_is_about_no_mail_of_ours():
    outcome = one(inbound(None, b"Subject: hello\r\n\r\n", "postmaster@kb.news.example") | {"team_id": 5})

    assert row_of(outcome)["message_id"] == str(UUID(int=0))
    assert row_of(outcome)["team_id"] == 5
    assert outcome.settlements == []


def test_an_event_of_a_mail_that_nobody_knows_is_an_error():
    line = orjson.dumps(mta_event("delivered", uuid4()))
    with pytest.raises(UnknownMessage, match="unknown message id"):
        process([line], [read(line)], {str(MESSAGE): WHOSE}, {}, NOW)


@pytest.mark.parametrize(
    "event",
    [
        mta_event("delivered", MESSAGE, team_id=3, attempt=2),
        refused(MESSAGE, None, None, "connect ECONNREFUSED", team_id=3, mx=None, ip=None, tls=None),
        mta_event("unknown", MESSAGE, team_id=3, code=None, enhanced=None, tls_version=None),
    ],
    ids=lambda event: event["type"],
)
def test_a_row_says_the_same_whether_its_event_goes_on_as_it_came_or_is_written_anew(event):
    line = orjson.dumps(event)
    as_it_came, anew = (
        process([each], [read(each)], {str(MESSAGE): WHOSE}, {}, NOW).rows[names.TOPIC_CH_MESSAGES][0]
        for each in (line, b" " + line)
    )

    assert isinstance(as_it_came, bytes)
    told = orjson.loads(as_it_came)
    # ClickHouse takes null and what is missing for the column's default.
    assert {name: told.get(name) or None for name in anew} == {
        name: value or None for name, value in anew.items()
    }


def test_what_a_submitter_said_of_a_mail_is_in_its_rows_by_either_way():
    said = {"tag": "welcome", "metadata": {"order": "17"}}
    event = mta_event("delivered", MESSAGE, team_id=3, submitted=True, **said)
    for each in (event, event | {"provider": None}):
        row = row_of(one(each))
        assert {name: row[name] for name in said} == said


def test_an_event_that_says_otherwise_than_the_ledger_is_corrected():
    row = row_of(one(mta_event("delivered", MESSAGE, team_id=4, stream="transactional")))

    assert (row["team_id"], row["stream"]) == (3, "broadcast")


@pytest.mark.parametrize(
    ("mx", "expected"),
    [
        ("aspmx.l.google.com", "google.com"),
        ("acme-example.mail.protection.outlook.com", "outlook.com"),
        ("mx.post.co.uk", "post.co.uk"),
        ("in1.gatekeeper.example", "gatekeeper.example"),
        ("127.0.25.1", ""),
        ("", ""),
    ],
)
def test_a_provider_is_the_registrable_domain_of_its_mail_exchangers(mx, expected):
    assert provider(mx) == expected
