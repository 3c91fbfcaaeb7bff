import pytest

from sidecars.broadcasts.states import Reason
from sidecars.deliverability.bounces import classify_inbound, read_mail, reply_code
from tests.raw_events import arf, dsn


def kinds(mail):
    return [found.kind for found in classify_inbound(mail)]


def test_a_dsn_with_a_failed_recipient_is_a_bounce():
    (found,) = classify_inbound(dsn("failed", "5.1.1", "550 5.1.1 <person0@people.example>: unknown user"))

    assert (found.kind, found.status, found.recipient) == ("bounce", "5.1.1", "person0@people.example")
    assert found.diagnostic == "550 5.1.1 <person0@people.example>: unknown user"
    assert reply_code(found.diagnostic) == 550


def test_a_dsn_tells_of_each_recipient_that_failed():
    first, second = classify_inbound(
        dsn("failed", "5.1.1", "550 no such user", "ann@people.example", "bob@people.example")
    )

    assert (first.recipient, second.recipient) == ("ann@people.example", "bob@people.example")
    assert {first.kind, second.kind} == {"bounce"}


def test_a_dsn_about_a_delay_is_none():
    assert kinds(dsn("delayed", "4.4.1", "451 no answer")) == ["delay"]


def test_a_dsn_that_tells_of_success_is_no_bounce():
    assert set(kinds(dsn("delivered", "2.0.0", "250 ok"))) <= {"auto_reply", "other"}


def test_a_bounce_in_a_servers_own_form_is_found():
    (found,) = classify_inbound(
        b"From: MAILER-DAEMON@mail.example\r\nTo: b-token@kb.news.example\r\nSubject: failure notice\r\n\r\n"
        b"Hi. This is the qmail-send program at mail.example.\r\n"
        b"I'm afraid I wasn't able to deliver your message to the following addresses.\r\n"
        b"This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n"
        b"<person0@people.example>:\r\n550 5.1.1 no mailbox here by that name\r\n"
    )

    assert (found.kind, found.recipient) == ("bounce", "person0@people.example")
    assert found.diagnostic.startswith("550 5.1.1 no mailbox")


def test_a_feedback_report_is_a_complaint_about_its_recipient():
    (found,) = classify_inbound(arf("abuse"))

    assert (found.kind, found.diagnostic, found.recipient) == ("complaint", "abuse", "person0@people.example")


def test_a_report_that_a_mail_is_not_spam_is_no_complaint():
    assert kinds(arf("not-spam")) == ["other"]


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "X-Autoreply: yes",
        "Subject: Abwesenheitsnotiz",
        "Precedence: auto_reply",
    ],
)
def test_an_answer_by_a_machine_is_an_automatic_reply(header):
    mail = f"From: a@b.example\r\nTo: b-token@kb.news.example\r\n{header}\r\n\r\nI am away.\r\n".encode()

    assert kinds(mail) == ["auto_reply"]


def test_a_mail_to_the_unsubscribe_address_unsubscribes():
    mail = b"From: a@b.example\r\nTo: <u-token@kb.news.example>\r\nSubject: unsubscribe\r\n\r\n"

    assert kinds(mail) == ["unsubscribe"]


def test_a_machine_that_answers_the_unsubscribe_address_does_not_unsubscribe():
    mail = b"To: u-token@kb.news.example\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n"

    assert kinds(mail) == ["auto_reply"]


def test_a_persons_answer_is_nothing_of_these():
    mail = b"From: a@b.example\r\nTo: b-token@kb.news.example\r\nSubject: Re: Spring\r\n\r\nThanks!\r\n"

    assert kinds(mail) == ["other"]


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?B?%%%?=\r\nTo: \xff\r\n\r\n",
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\r\n\r\n--x\r\n',
        b"Content-Type: message/feedback-report\r\n\r\nnot a field\r\n",
        dsn("failed", "nonsense", ""),
    ],
)
def test_a_malformed_mail_is_classified_without_an_error(mail):
    assert set(kinds(mail)) <= {"bounce", "complaint", "auto_reply", "other"}


def test_a_bounce_says_why_and_what_said_so():
    (found,) = classify_inbound(dsn("failed", "5.2.2", "552 5.2.2 over quota"))

    assert (found.failure, found.reason) == ("mailbox_full", Reason.MAILBOX_FULL)
    assert found.rule == "rfc3464: mailbox-full"


def test_a_report_on_authentication_is_no_complaint():
    assert kinds(arf("auth-failure")) == ["other"]


def test_the_mail_that_a_complaint_is_about_is_known_by_our_header():
    complaint = arf().replace(
        b"Subject: Spring", b"Subject: Spring\r\nX-Kibamail-Message-ID: the-id\r\nMessage-ID: <x@y>"
    )

    assert read_mail(complaint).message_id == "the-id"


def test_a_bounce_that_a_person_forwards_is_no_bounce():
    forwarded = dsn("failed", "5.1.1", "550 unknown").replace(b"\r\n", b"\n")
    mail = b"From: ann@people.example\nSubject: Fwd: look\nContent-Type: message/rfc822\n\n" + forwarded

    assert kinds(mail) == ["other"]


def test_one_word_of_the_returned_mails_subject_hides_no_bounce():
    head = b"From: MAILER-DAEMON@mx.example\nSubject: Undeliverable: our newsletter\n\n"
    mail = head + b"User unknown: ann@people.example\n"

    assert kinds(mail) == ["bounce"]
