"""DSNs and complaints as an edge's inbound listener gets them, read by others' parsers."""

import pytest
from flufl.bounce import scan_message

from tests.simulator.world import TOKEN
from tests.support import wait_for

RETURN_PATH = f"b-{TOKEN}@kb.acme.example"


@pytest.fixture(scope="module")
def reporter(start, inbox):
    """A simulator that reports at once."""
    return start(edge_inbound=f"127.0.0.1:{inbox.port}", time_scale=86_400 * 10)


@pytest.fixture(autouse=True)
def _empty_inbox(inbox):
    inbox.mails.clear()


def report_on(world, inbox, recipient):
    world.deliver(recipient, sender=RETURN_PATH)
    (report,) = wait_for(lambda: inbox.mails)
    return report


def test_a_dsn_goes_to_the_return_path_with_an_empty_sender(reporter, inbox):
    sender, recipient, message = report_on(reporter, inbox, "dsn@outcome.example")
    assert (sender, recipient) == ("<>", RETURN_PATH)
    assert scan_message(message) == {b"dsn@outcome.example"}
    assert message["Auto-Submitted"] == "auto-replied"


def test_a_dsn_has_the_three_parts_of_rfc_3464(reporter, inbox):
    _, _, message = report_on(reporter, inbox, "dsn.parts@outcome.example")
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    text, status, headers = message.get_payload()
    assert "dsn.parts@outcome.example" in text.get_payload()
    of_message, of_recipient = status.get_payload()
    assert of_message["Reporting-MTA"] == "dns; mx.outcome.example"
    assert of_recipient["Final-Recipient"] == "rfc822; dsn.parts@outcome.example"
    assert (of_recipient["Action"], of_recipient["Status"]) == ("failed", "5.1.1")
    assert headers.get_content_type() == "text/rfc822-headers"
    assert "X-Kibamail-Message-ID" in headers.get_payload()


def test_a_complaint_has_the_three_parts_of_rfc_5965(reporter, inbox):
    sender, recipient, message = report_on(reporter, inbox, "complaint@outcome.example")
    assert (sender, recipient) == ("feedback@outcome.example", f"abuse@{RETURN_PATH.partition('@')[2]}")
    assert message.get_param("report-type") == "feedback-report"
    _, feedback, headers = message.get_payload()
    assert feedback.get_content_type() == "message/feedback-report"
    (fields,) = feedback.get_payload()
    assert (fields["Feedback-Type"], fields["Version"]) == ("abuse", "1")
    assert "Original-Rcpt-To" not in fields
    assert fields["Original-Mail-From"] == f"<{RETURN_PATH}>"
    assert headers.get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize(
    ("recipient", "kinds"),
    [
        ("dsn.receipt@outcome.example", ["accepted", "dsn_sent"]),
        ("complaint.receipt@outcome.example", ["accepted", "complaint_sent"]),
    ],
)
def test_a_report_is_a_receipt_once_the_edge_has_it(reporter, inbox, recipient, kinds):
    inbox.refusals.append("451 4.3.0 Busy, try again")
    report_on(reporter, inbox, recipient)
    wait_for(lambda: reporter.kinds(recipient) == kinds)
    assert inbox.refusals == []


def test_a_report_that_the_edge_refuses_for_good_is_given_up(reporter, inbox):
    inbox.refusals.append("550 5.1.1 No such return path")
    reporter.deliver("dsn.refused@outcome.example", sender=RETURN_PATH)
    wait_for(lambda: reporter.call("GET", "/progress")[1]["given_up"])
    assert reporter.kinds("dsn.refused@outcome.example") == ["accepted"]


def test_a_mail_with_an_empty_return_path_is_not_reported_on(reporter):
    reporter.deliver("dsn.empty@outcome.example", sender="")
    assert reporter.kinds("dsn.empty@outcome.example") == ["accepted"]
    assert reporter.call("GET", "/progress")[1]["pending_actions"] == 0
