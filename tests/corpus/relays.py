"""Services that send for others, and their notices."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

import json
from collections.abc import Iterator

from tests.corpus.writing import (
    FAILURES,
    FULL,
    LISTED,
    NO_DOMAIN,
    UNKNOWN,
    USUAL,
    Form,
    Mail,
    Names,
    headers,
    headers_of,
    original,
    plain,
    report,
)

FORMS = (
    Form(
        "ses",
        "MAILER-DAEMON@ses.example",
        "Delivery Status Notification (Failure)",
        "An error occurred while trying to deliver the mail to the following recipients:\n{to}\n\n{why}\n",
        USUAL,
    ),
    Form(
        "ses-old",
        "MAILER-DAEMON@ses.example",
        "Delivery Status Notification (Failure)",
        "The following message to <{to}> was undeliverable.\nThe reason for the problem:\n{why}\n\n",
        (("unknown", "hard", "5.1.0 - Unknown address error 550-'5.1.1 user unknown'"), ("gave up", "soft", "4.4.7 - Delivery expired (message too old) 'timeout'"), ("host", "dns", "5.1.2 - Bad destination host 'DNS Hard Error looking up people.example (MX): NXDomain'")),
    ),
    Form(
        "workmail",
        "MAILER-DAEMON@workmail.example",
        "Returned mail: Spring letter",
        "Your message couldn't be delivered to the following recipient:\n\n{to}\n\nTechnical report:\n\n{why}\n",
        (UNKNOWN, FULL),
    ),
    Form(
        "sendgrid-words",
        "MAILER-DAEMON@relay.example",
        "Undelivered Mail Returned to Sender",
        "This is an automatically generated message from SendGrid.\n\nI'm sorry to have to tell you that your message was not able to be\ndelivered to one of its intended recipients.\n\nIf you require assistance with this, please contact SendGrid support.\n\n{to}: {why}\n\n",
        (*USUAL, NO_DOMAIN),
    ),
    Form(
        "mailchannels",
        "Mail Delivery System <mailer-daemon@relay.example>",
        "Mail Delivery Failed: returning message to sender",
        "Your email could not be delivered to {to}.\n\nThe receiving server replied:\n\n    {why}\n\n",
        (UNKNOWN, FULL, LISTED),
    ),
    Form(
        "trouble",
        "Mail System <postmaster@relay.example>",
        "There was an error sending your mail",
        "We had trouble delivering your message. Full details follow:\n\nSubject: 'Spring letter'\nDate: 'Tue, 3 Mar 2026 09:00:00 +0000'\n\n1 error(s):\n\nSMTP Server <mx.people.example> rejected recipient <{to}> (Error following RCPT command). It responded as follows: [{why}]\n\n",
        (UNKNOWN, FULL, LISTED),
    ),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """The forms of their own, PowerMTA's and SendGrid's reports."""
    for form in FORMS:
        yield from form.mails()
    yield from _powermta()
    yield from _sendgrid()
    yield from _ses_notifications()


def _powermta() -> Iterator[Mail]:
    names = Names("powermta")
    for failure in FAILURES:
        to, message_id = names.address(), names.message_id()
        reply = failure.reply.format(to=to, domain="people.example")
        head = headers("postmaster@pmta.example", "Delivery report")
        text = f"Hello, this is the mail server on pmta.example.\n\nI am sending you this message to inform you on the delivery status of a\nmessage you previously sent.  Immediately below you will find a list of\nthe affected recipients;  also attached is a Delivery Status Notification\n(DSN) report in standard format, as well as the headers of the original\nmessage.\n\n  <{to}>  delivery failed; will not continue trying\n"
        fields = f"Original-Recipient: rfc822;{to}\nFinal-Recipient: rfc822;{to}\nAction: failed\nStatus: {failure.status} (undefined status)\nRemote-MTA: dns;mx.people.example (198.51.100.7)\nDiagnostic-Code: smtp;{reply}\nX-PowerMTA-BounceCategory: other"
        yield Mail(
            "powermta",
            failure.name,
            report(
                head,
                text,
                fields,
                headers_of(original(to, message_id)),
                returned_type="text/rfc822-headers",
                reporting="Reporting-MTA: dns;pmta.example\nX-PowerMTA-VirtualMTA: news",
            ),
            "bounce",
            {to: failure.kind},
            message_id,
        )


def _sendgrid() -> Iterator[Mail]:
    """Its reports have no Diagnostic-Code type, and a status within the words."""
    names = Names("sendgrid")
    for failure in FAILURES[:6]:
        to, message_id = names.address(), names.message_id()
        reply = failure.reply.format(to=to, domain="people.example")
        fields = f"Final-Recipient: rfc822; {to}\nOriginal-Recipient: rfc822; {to}\nAction: failed\nStatus: \nDiagnostic-Code: {reply}"
        head = headers("MAILER-DAEMON@relay.example", "Undelivered Mail Returned to Sender")
        yield Mail(
            "sendgrid",
            failure.name,
            report(
                head,
                "This is an automatically generated message from SendGrid.\n",
                fields,
                original(to, message_id),
            ),
            "bounce",
            {to: failure.kind},
            message_id,
        )


def _ses_notifications() -> Iterator[Mail]:
    """Amazon SNS mails what SES would tell a program, alone or within an object of its own."""
    names = Names("ses-notification")
    for name, kind, bounce_type, status, reply in (
        ("unknown", "hard", "Permanent", "5.1.1", "smtp; 550 5.1.1 user unknown"),
        ("full", "mailbox_full", "Transient", "5.2.2", "smtp; 552 5.2.2 mailbox full"),
        ("general", "soft", "Transient", "", ""),
    ):
        to = names.address()
        bounced = {"emailAddress": to} | (
            {"action": "failed", "status": status, "diagnosticCode": reply} if status else {}
        )
        told = json.dumps(
            {
                "notificationType": "Bounce",
                "bounce": {"bounceType": bounce_type, "bouncedRecipients": [bounced]},
            }
        )
        if name == "full":
            told = (
                json.dumps({"Type": "Notification", "Message": told})
                + "\n\n--\nIf you wish to stop receiving notifications\n"
            )
        head = headers("AWS Notifications <no-reply@sns.example>", "AWS Notification Message")
        yield Mail("ses-notification", name, plain(head, told), "bounce", {to: kind})
    complained = {
        "notificationType": "Complaint",
        "complaint": {"complainedRecipients": [{"emailAddress": names.address()}]},
    }
    head = headers("AWS Notifications <no-reply@sns.example>", "AWS Notification Message")
    yield Mail("ses-notification", "complaint", plain(head, json.dumps(complained)), "complaint")
