"""Servers that write RFC 3464, each with its own words and fields around it."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import FAILURES, Mail, Names, headers, headers_of, multipart, original, report

# Server, From, Subject, notice, fields. {reply}, {to}, {status}, {domain} are filled in.
SERVERS = (
    (
        "postfix",
        "MAILER-DAEMON@mx.people.example (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        "This is the mail system at host mx.people.example.\n\nI'm sorry to have to inform you that your message could not\n"
        "be delivered to one or more recipients. It's attached below.\n\nFor further assistance, please send mail to postmaster.\n\n"
        "If you do so, please include this problem report. You can\ndelete your own text from the attached returned message.\n\n"
        "                   The mail system\n\n<{to}>: host mx.{domain}[198.51.100.7] said: {reply}\n    (in reply to RCPT TO command)\n",
        "Final-Recipient: rfc822; {to}\nOriginal-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nRemote-MTA: dns; mx.{domain}\nDiagnostic-Code: smtp; {reply}",
    ),
    (
        "sendmail",
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.people.example>",
        "Returned mail: see transcript for details",
        "The original message was received at Tue, 3 Mar 2026 09:00:00 GMT\nfrom smtp.news.example [192.0.2.25]\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n<{to}>\n    (reason: {reply})\n\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.{domain}.:\n>>> DATA\n<<< {reply}\n",
        "Final-Recipient: RFC822; {to}\nAction: failed\nStatus: {status}\nRemote-MTA: DNS; mx.{domain}\nDiagnostic-Code: SMTP; {reply}\nLast-Attempt-Date: Tue, 3 Mar 2026 09:00:02 GMT",
    ),
    (
        "exim-dsn",
        "Mail Delivery System <Mailer-Daemon@mx.people.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\n"
        "recipients. This is a permanent error. The following address(es) failed:\n\n  {to}\n    host mx.{domain} [198.51.100.7]\n"
        "    SMTP error from remote mail server after RCPT TO:<{to}>:\n    {reply}\n",
        "Action: failed\nFinal-Recipient: rfc822;{to}\nStatus: {status}\nRemote-MTA: dns; mx.{domain}\nDiagnostic-Code: smtp; {reply}",
    ),
    (
        "courier",
        '"Courier mail server at mx.people.example" <@>',
        "NOTICE: mail delivery status.",
        "This is a delivery status notification from mx.people.example,\nrunning the Courier mail server, version 1.0.\n\n"
        "           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<{to}>:\n    mx.{domain} [198.51.100.7]:\n<<< {reply}\n",
        "Final-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}\nRemote-MTA: dns; mx.{domain} [198.51.100.7]\nDiagnostic-Code: smtp; {reply}",
    ),
    (
        "opensmtpd",
        "Mailer Daemon <MAILER-DAEMON@mx.people.example>",
        "Delivery status notification: error",
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has occurred while attempting to deliver a message for\n    the following list of recipients:\n\n"
        "{to}: {reply}\n\n    Below is a copy of the original message:\n",
        "Final-Recipient: rfc822; {to}\nAction: error\nStatus: {status}\nDiagnostic-Code: smtp; {reply}",
    ),
    (
        "haraka",
        "MAILER-DAEMON@mx.people.example",
        "failure notice",
        "Hi. This is the Haraka Mailer program at mx.people.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\nIntended Recipients: <{to}>\nFailure Reason: {reply}\n",
        "Original-Recipient: rfc822;{to}\nFinal-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp;{reply}",
    ),
    (
        "zimbra",
        "MAILER-DAEMON@zimbra.people.example (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        "This is the mail system at host zimbra.people.example.\n\n<{to}>: host zimbra.people.example[198.51.100.7] said: {reply} (in reply to end of DATA command)\n",
        "Final-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}\nRemote-MTA: dns; zimbra.people.example\nDiagnostic-Code: smtp; {reply}",
    ),
    (
        "messaging-server",
        "Internet Mail Delivery <postmaster@mx.people.example>",
        "Delivery Notification: Delivery has failed",
        "This report relates to a message you sent with the following header fields:\n\n  Subject: Spring letter\n\nYour message cannot be delivered to the following recipients:\n\n"
        "  Recipient address: {to}\n  Reason: Remote SMTP server has rejected address\n  Diagnostic code: smtp;{reply}\n  Remote system: dns;mx.{domain} (TCP|192.0.2.1|4711|198.51.100.7|25)\n",
        "Original-recipient: rfc822;{to}\nFinal-recipient: rfc822;{to}\nAction: failed\nStatus: {status} (Remote SMTP server has rejected address)\nRemote-MTA: dns;mx.{domain} (TCP|192.0.2.1|4711|198.51.100.7|25)\nDiagnostic-code: smtp;{reply}",
    ),
    (
        "mdaemon-dsn",
        '"MDaemon at mx.people.example" <MDaemon@mx.people.example>',
        "Permanent Delivery Failure",
        "The following data may contain sections which represent BASE64 encoded\nfile attachments. These sections will be unreadable without MIME aware\ntools.\n\n"
        "The attached message could not be delivered to the following recipient(s): {to}\n\n--- Session Transcript ---\n<-- {reply}\n--- End Transcript ---\n",
        "Original-Recipient: rfc822;{to}\nFinal-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {reply}",
    ),
    (
        "kerio",
        "Kerio Connect <postmaster@mx.people.example>",
        "Delivery failed",
        "This is an automatic message from Kerio Connect.\n\nYour message could not be delivered to:\n{to}\n\nServer said: {reply}\n",
        "Final-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp;{reply}",
    ),
    (
        "halon",
        "Mail Delivery System <postmaster@halon.people.example>",
        "Delivery Status Notification (Failure)",
        "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipient failed permanently: {to}\n\n{reply}\n",
        "Final-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {reply}",
    ),
    (
        "ironport",
        "Mail Delivery System <MAILER-DAEMON@esa.people.example>",
        "Delivery Status Notification (Failure)",
        "The following message to <{to}> was undeliverable.\nThe reason for the problem:\n5.1.0 - Unknown address error {reply}\n",
        "Final-Recipient: rfc822;{to}\nAction: failed\nStatus: 5.0.0 (permanent failure)\nRemote-MTA: dns; [198.51.100.7]\nDiagnostic-Code: smtp; {reply}",
    ),
    (
        "stalwart",
        '"Mail Delivery Subsystem" <MAILER-DAEMON@mx.people.example>',
        "Failed to deliver message",
        "Your message could not be delivered to the following recipients:\n\n<{to}> (host 'mx.{domain}' rejected command 'RCPT TO:<{to}>' with {reply})\n",
        "Final-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nRemote-MTA: dns;mx.{domain}\nDiagnostic-Code: smtp;{reply}",
    ),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """Each server in each situation, then the corners of the RFCs."""
    for server, sender, subject, notice, fields in SERVERS:
        names = Names(server)
        for failure in FAILURES:
            to, message_id = names.address(), names.message_id()
            words = {"to": to, "status": failure.status, "domain": "people.example"}
            words["reply"] = failure.reply.format(**words)
            returned = original(to, message_id)
            yield Mail(
                server,
                failure.name,
                report(
                    headers(sender, subject, "Auto-Submitted: auto-replied"),
                    notice.format(**words),
                    fields.format(**words),
                    returned,
                ),
                "bounce",
                {to: failure.kind},
                message_id,
            )
    yield from _corners()


def _corners() -> Iterator[Mail]:
    names = Names("rfc3464")
    head = headers("MAILER-DAEMON@mx.people.example", "Delivery report")

    ann, bob, chloe = names.address(), names.address(), names.address()
    groups = "\n\n".join([
        f"Final-Recipient: rfc822; {ann}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user",
        f"Final-Recipient: rfc822; {bob}\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; 451 try later",
        f"Final-Recipient: rfc822; {chloe}\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full",
    ])  # fmt: skip
    message_id = names.message_id()
    yield Mail(
        "rfc3464",
        "several recipients, one late",
        report(head, "Some failed.", groups, original(ann, message_id)),
        "bounce",
        {ann: "hard", chloe: "mailbox_full"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    yield Mail(
        "rfc3464",
        "no blank lines between groups",
        report(
            head,
            "Failed.",
            f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; {ann}\nAction: failed\nStatus: 5.1.1",
            original(to, message_id),
        ),
        "bounce",
        {to: "hard", ann: "hard"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    yield Mail(
        "rfc3464",
        "only the headers returned",
        report(
            head,
            "Failed.",
            f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1",
            headers_of(original(to, message_id)),
            returned_type="text/rfc822-headers",
        ),
        "bounce",
        {to: "hard"},
        message_id,
    )

    to = names.address()
    yield Mail(
        "rfc3464",
        "nothing returned",
        report(head, "Failed.", f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1", ""),
        "bounce",
        {to: "hard"},
    )

    to, message_id, own = names.address(), names.message_id(), "0192f0c1-7d3a-7e4b-9c55-0a1b2c3d4e5f"
    yield Mail(
        "rfc3464",
        "our own header comes first",
        report(
            head,
            "Failed.",
            f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1",
            original(to, message_id, own_id=own),
        ),
        "bounce",
        {to: "hard"},
        own,
    )

    to, message_id = names.address(), names.message_id()
    yield Mail(
        "rfc3464",
        "forwarded to another address",
        report(
            head,
            "Failed.",
            f"Original-Recipient: rfc822;{to}\nFinal-Recipient: rfc822; other@forwarded.example\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 over quota",
            original(to, message_id),
        ),
        "bounce",
        {to: "mailbox_full"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    yield Mail(
        "rfc3464",
        "no action",
        report(
            head,
            "Failed.",
            f"Final-Recipient: rfc822; {to}\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 unknown user",
            original(to, message_id),
        ),
        "bounce",
        {to: "hard"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    yield Mail(
        "rfc3464",
        "no status",
        report(
            head,
            "Failed.",
            f"Final-Recipient: rfc822; {to}\nAction: failed\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full",
            original(to, message_id),
        ),
        "bounce",
        {to: "mailbox_full"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    yield Mail(
        "rfc3464",
        "a comment on the action, angle brackets, no type",
        report(
            head,
            "Failed.",
            f"Final-Recipient: <{to}>\nAction: Failed (unrecoverable)\nStatus: 5.1.1 (bad address)",
            original(to, message_id),
        ),
        "bounce",
        {to: "hard"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    yield Mail(
        "rfc3464",
        "no recipient in the fields",
        report(
            head,
            f"Your message to {to} could not be delivered.\nUser unknown\n",
            "Action: failed\nStatus: 5.1.1",
            original(to, message_id),
        ),
        "bounce",
        {to: "hard"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    folded = f"Final-Recipient: rfc822;\n\t{to}\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 Our filter found that this\n message contains\n a virus"
    yield Mail(
        "rfc3464",
        "folded fields",
        report(head, "Failed.", folded, original(to, message_id)),
        "bounce",
        {to: "content"},
        message_id,
    )

    to = names.address()
    yield Mail(
        "rfc3464",
        "delivered",
        report(
            headers("MAILER-DAEMON@mx.people.example", "Successful Mail Delivery Report"),
            "Your message was delivered.",
            f"Final-Recipient: rfc822; {to}\nAction: delivered\nStatus: 2.0.0\nDiagnostic-Code: smtp; 250 2.0.0 Ok",
            "",
        ),
        "other",
    )

    to = names.address()
    yield Mail(
        "rfc3464",
        "relayed",
        report(
            headers("postmaster@mx.people.example", "Delivery Status Notification (Relay)"),
            "Your message has been successfully relayed, delivery status notifications may not be generated.",
            f"Final-Recipient: rfc822;{to}\nAction: relayed\nStatus: 2.0.0",
            "",
        ),
        "other",
    )

    to = names.address()
    yield Mail(
        "rfc3464",
        "expanded",
        report(
            headers("postmaster@mx.people.example", "Delivery Status Notification"),
            "Expanded to a list.",
            f"Final-Recipient: rfc822;{to}\nAction: expanded\nStatus: 2.0.0",
            "",
        ),
        "other",
    )

    to, message_id = "jürgen.groß@bücher.example", names.message_id()
    utf8 = [
        ("Content-Type: text/plain; charset=utf-8", f"<{to}>: user unknown"),
        (
            "Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: 8bit",
            f"Reporting-MTA: dns; mx.people.example\n\nFinal-Recipient: utf-8; {to}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n",
        ),
        ("Content-Type: message/global-headers", headers_of(original(to, message_id))),
    ]
    yield Mail("rfc6533", "utf-8 recipient", multipart(head, utf8), "bounce", {to: "hard"}, message_id)

    to, message_id = "jürgen@bücher.example", names.message_id()
    yield Mail(
        "rfc6533",
        "utf-8-addr-xtext",
        report(
            head,
            "Failed.",
            "Final-Recipient: utf-8; j\\x{FC}rgen@b\\x{FC}cher.example\nAction: failed\nStatus: 5.1.1",
            original(to, message_id),
        ),
        "bounce",
        {to: "hard"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    listed = [
        (
            "Content-Type: multipart/report; report-type=delivery-status; boundary=inner",
            f"--inner\nContent-Type: text/plain\n\nFailed.\n--inner\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.people.example\n\nFinal-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1\n\n--inner\nContent-Type: message/rfc822\n\n{original(to, message_id)}\n--inner--",
        ),
        ("Content-Type: text/plain", "Scanned by the gateway of news.example."),
    ]
    yield Mail(
        "rfc3464",
        "within a mail that a gateway wrapped",
        multipart(head, listed, kind="mixed"),
        "bounce",
        {to: "hard"},
        message_id,
    )

    to, message_id = names.address(), names.message_id()
    inline = f"A message could not be delivered.\n\nFinal-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n\n----- Original message -----\n{original(to, message_id)}"
    yield Mail(
        "rfc3464",
        "fields in the text",
        multipart(head, [("Content-Type: text/plain", inline)], kind="mixed"),
        "bounce",
        {to: "hard"},
        message_id,
    )
