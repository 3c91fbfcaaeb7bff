"""Filters and gateways in front of mailboxes."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import (
    FULL,
    UNKNOWN,
    Form,
    Mail,
    Names,
    headers,
    headers_of,
    multipart,
    original,
    report,
)

SPAM = ("spam", "content", "554 5.7.1 Message rejected as spam by content scanning")

FORMS = (
    Form(
        "barracuda",
        "Barracuda Spam Firewall <postmaster@barracuda.example>",
        "**Message you sent blocked by our bulk email filter**",
        "Your message to: {to}\nwas blocked by our Spam Firewall. The email you sent with the following subject has NOT BEEN DELIVERED:\n\nSubject: Spring letter\n\n{why}\n",
        (("bulk", "content", "The message is considered spam."), ("listed", "block", "Your IP 192.0.2.25 is listed at b.barracudacentral.example")),
    ),
    Form(
        "mimecast",
        "Mail Delivery System <postmaster@mimecast.example>",
        "[Postmaster] Email Delivery Failure",
        "This is an email from Mimecast to inform you that your message could not be delivered.\n\nThe following recipient could not be reached:\n\n{to}\n\nReason: {why}\n",
        (UNKNOWN, ("policy", "policy", "550 Rejected by header based Anti-Spoofing policy: news@news.example"), ("listed", "block", "550 Connection rejected: 192.0.2.25 is blocked, see our RBL")),
    ),
    Form(
        "mailmarshal",
        "MailMarshal <postmaster@marshal.example>",
        'Undeliverable Mail: "Spring letter"',
        "Your message:\n   From:    news@news.example\n   Subject: Spring letter\n\nCould not be delivered because of\n\n{why}\n\nThe following recipients were affected: \n\n    {to}\n\n",
        (UNKNOWN, SPAM),
    ),
    Form(
        "mailfoundry",
        "postmaster@foundry.example",
        "Mail delivery failed",
        "Unable to deliver message to: <{to}>\nDelivery failed for the following reason:\nServer mx.people.example[198.51.100.7] failed with: {why}\n\nThis has been a permanent failure.  No further delivery attempts will be made.\n\n",
        (UNKNOWN, FULL),
    ),
    Form(
        "mxlogic",
        "Mail Delivery System <Mailer-Daemon@mxlogic.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error.\n\nThe following address failed:\n\n  <{to}>: {why}\n\nIncluded is a copy of the message header:\n{headers}",
        (UNKNOWN, FULL),
    ),
    Form(
        "mcafee",
        "postmaster@mcafee.example",
        "Mail delivery failed",
        "   --- The following addresses had delivery problems ---\n\n<{to}>   ({why})\n\n",
        (("unknown", "hard", "550 Unknown user {to}"), ("full", "mailbox_full", "552 mailbox full")),
    ),
    Form(
        "surfcontrol",
        "SurfControl E-mail Filter <postmaster@surf.example>",
        "Message could not be sent",
        "Your message could not be sent.\nA transcript of the attempts to send the message follows.\nThe number of attempts made: 1\nAddressed To: {to}\n\nTue 3 Mar 2026 09:00:00 +0000\nFailed to send to identified host,\nmx.people.example: [198.51.100.7], {why}\n",
        (UNKNOWN, FULL),
    ),
    Form(
        "messagelabs",
        "MAILER-DAEMON@labs.example",
        "Mail Delivery Failure",
        "This is the mail delivery agent at labs.example.\nI was unable to deliver your message to the following addresses.\n\n<{to}>:\n198.51.100.7 does not like recipient.\nRemote host said: {why}\n\n--- Below this line is a copy of the message.\n\n{original}",
        (UNKNOWN, SPAM),
    ),
    Form(
        "fortimail",
        "MAILER-DAEMON@forti.example",
        "Returned mail: see transcript for details",
        "   ----- The following addresses had permanent fatal errors -----\n<{to}>\n    (reason: {why})\n\n   ----- Transcript of session follows -----\n<<< {why}\n",
        (UNKNOWN, SPAM),
    ),
    Form(
        "symantec",
        "Symantec Mail Security <postmaster@symantec.example>",
        "Delivery failure notification",
        "The following message could not be delivered to its recipient.\n\nRecipient: {to}\nReason: {why}\n",
        (UNKNOWN, ("virus", "content", "The message was rejected because it contains a virus")),
    ),
    Form(
        "interscan",
        '"InterScan MSS" <postmaster@interscan.example>',
        "Mail could not be delivered",
        "****** Message from InterScan Messaging Security Suite ******\n\nSent <<< RCPT TO:<{to}>\nReceived >>> {why}\n\nUnable to deliver message to <{to}>.\n\n************************     End of message     **********************\n",
        (UNKNOWN, FULL),
    ),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """The forms of their own, amavis and Proofpoint."""
    for form in FORMS:
        yield from form.mails()
    yield from _amavis()
    yield from _proofpoint()


def _amavis() -> Iterator[Mail]:
    names = Names("amavis")
    for name, subject, why in (
        (
            "spam",
            "Considered UNSOLICITED BULK EMAIL, apparently from you",
            "554 5.7.0 Reject, id=12345-01 - spam",
        ),
        (
            "virus",
            "VIRUS (Eicar-Test-Signature) in mail FROM YOU",
            "554 5.7.0 Reject, id=12345-02 - infected with a virus",
        ),
        (
            "banned",
            "BANNED contents from you (.exe,setup.exe)",
            "554 5.7.0 Reject, id=12345-03 - banned file setup.exe",
        ),
    ):
        to, message_id = names.address(), names.message_id()
        head = headers('"Content-filter at mx.people.example" <postmaster@people.example>', subject)
        text = f"The message WAS NOT relayed to:\n<{to}>:\n   {why}\n\nThis nondelivery report was generated by the program amavisd-new at host mx.people.example.\n"
        fields = f"Original-Recipient: rfc822;{to}\nFinal-Recipient: rfc822;{to}\nAction: failed\nStatus: 5.7.0\nDiagnostic-Code: smtp; {why}"
        yield Mail(
            "amavis",
            name,
            report(
                head, text, fields, headers_of(original(to, message_id)), returned_type="text/rfc822-headers"
            ),
            "bounce",
            {to: "content"},
            message_id,
        )


def _proofpoint() -> Iterator[Mail]:
    names = Names("proofpoint")
    for name, kind, status, reply in (
        ("unknown", "hard", "5.1.1", "550 5.1.1 User Unknown"),
        ("listed", "block", "5.7.0", "554 Blocked - see our IP reputation lookup for 192.0.2.25"),
        ("policy", "policy", "5.7.0", "550 5.7.0 Local Policy Violation"),
        ("spam", "content", "5.7.0", "550 5.7.0 message content rejected: phishing"),
    ):
        to, message_id = names.address(), names.message_id()
        head = headers(
            "Mail Delivery Subsystem <MAILER-DAEMON@pps.example>", "Returned mail: see transcript for details"
        )
        fields = (
            f"Final-Recipient: RFC822; {to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: SMTP; {reply}"
        )
        parts = [
            (
                "Content-Type: text/plain",
                f"   ----- The following addresses had permanent fatal errors -----\n<{to}>\n    (reason: {reply})\n",
            ),
            ("Content-Type: message/delivery-status", f"Reporting-MTA: dns; pps.example\n\n{fields}\n"),
            ("Content-Type: message/rfc822", original(to, message_id)),
        ]
        yield Mail("proofpoint", name, multipart(head, parts), "bounce", {to: kind}, message_id)
