"""Servers for Unix and Windows that write notices in their own words."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import FULL, GAVE_UP, LISTED, NO_DOMAIN, SPAM, UNKNOWN, USUAL, Form, Mail

FORMS = (
    Form(
        "qmail",
        "MAILER-DAEMON@mx.people.example",
        "failure notice",
        "Hi. This is the qmail-send program at mx.people.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{to}>:\n{why}\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <b-token@kb.news.example>\n{original}",
        (
            ("no mailbox", "hard", "Sorry, no mailbox here by that name. (#5.1.1)"),
            ("remote", "hard", "198.51.100.7 does not like recipient.\nRemote host said: 550 5.1.1 <{to}>: User unknown\nGiving up on 198.51.100.7."),
            ("no host", "dns", "Sorry, I couldn't find any host named people.example. (#5.1.2)"),
            ("too long in the queue", "soft", "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)\nI'm not going to try again; this message has been in the queue too long."),
            ("full", "mailbox_full", "The users mailfolder is over the allowed quota (size). (#5.2.2)"),
            ("spam", "content", "198.51.100.7 failed after I sent the message.\nRemote host said: 554 5.7.1 Message content rejected, it looks like spam"),
        ),
    ),
    Form(
        "vpopmail",
        "MAILER-DAEMON@mx.people.example",
        "failure notice",
        "Hi. This is the qmail-send program at mx.people.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<{to}>:\n{why}\n\n--- Below this line is a copy of the message.\n\n{original}",
        (("disabled", "hard", "Recipient's account is disabled, I am not accepting mail for it. (#5.2.1)"), ("quota", "mailbox_full", "Recipient's mailbox is full, message returned to sender. (#5.2.2)")),
    ),
    Form(
        "exim",
        "Mail Delivery System <Mailer-Daemon@mx.people.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  {to}\n    {why}\n\n------ This is a copy of the message, including all the headers. ------\n\n{original}",
        (
            ("unrouteable", "hard", "Unrouteable address"),
            ("remote", "hard", "SMTP error from remote mail server after RCPT TO:<{to}>:\n    host mx.people.example [198.51.100.7]: 550 5.1.1 <{to}>:\n    Recipient address rejected: User unknown"),
            ("quota", "mailbox_full", "mailbox is full: retry timeout exceeded"),
            ("timeout", "soft", "host mx.people.example [198.51.100.7]\n    retry timeout exceeded"),
            ("no domain", "dns", "all relevant MX records point to non-existent hosts:\n    it appears that the DNS operator for this domain has installed an invalid MX record: unknown host"),
            ("listed", "block", "SMTP error from remote mail server after initial connection:\n    554 192.0.2.25 is blacklisted"),
        ),
        ("X-Failed-Recipients: {to}", "Auto-Submitted: auto-replied"),
    ),
    Form(
        "exim-without-field",
        "Mail Delivery System <Mailer-Daemon@mx.people.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software (Exim).\n\nA message that you sent could not be delivered to one or more of its\nrecipients. The following address(es) failed:\n\n  {to}:\n    {why}\n\n------ This is a copy of the message, including all the headers. ------\n\n{original}",
        USUAL,
    ),
    Form(
        "sendmail-8",
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.people.example>",
        "Returned mail: User unknown",
        "The original message was received at Tue, 3 Mar 2026 09:00:00 GMT\nfrom smtp.news.example [192.0.2.25]\n\n   ----- The following addresses had permanent fatal errors -----\n<{to}>\n\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.people.example.:\n>>> RCPT To:<{to}>\n<<< {why}\n\n   ----- Original message follows -----\n\n{original}",
        (*USUAL, SPAM),
    ),
    Form(
        "sendmail-5",
        "MAILER-DAEMON@mx.people.example (Mail Delivery Subsystem)",
        "Returned mail: Host unknown",
        "   ----- Transcript of session follows -----\n{why}\n\n   ----- Unsent message follows -----\n{original}",
        (("unknown user", "hard", "550 <{to}>... User unknown"), ("no host", "dns", "550 <{to}>... Host unknown"), ("too long", "soft", "421 people.example: Deferred: Connection timed out during user open with people.example\n<{to}>... message could not be delivered for 3 days")),
    ),
    Form(
        "smail",
        "<MAILER-DAEMON@mx.people.example>",
        "mail failed, returning to sender",
        "|------------------------- Message log follows: -------------------------|\n no valid recipients were found for this message\n|------------------------- Failed addresses follow: ---------------------|\n <{to}> ... {why}\n|------------------------- Message text follows: ------------------------|\n{original}",
        (("unknown user", "hard", "unknown user"), ("unknown host", "dns", "unknown host")),
    ),
    Form(
        "postfix-old",
        "MAILER-DAEMON@mx.people.example (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        "This is the Postfix program at host mx.people.example.\n\nI'm sorry to have to inform you that the message returned\nbelow could not be delivered to one or more destinations.\n\nFor further assistance, please send mail to <postmaster>\n\n\t\t\tThe Postfix program\n\n<{to}>: {why}\n\nReceived: by smtp.news.example (Postfix, from userid 5)\n{original}",
        (*USUAL, ("no name", "dns", "Host or domain name not found. Name service error for\n    name=people.example type=MX: Host not found")),
    ),
    Form(
        "dma",
        "MAILER-DAEMON <>",
        "Mail delivery failed",
        "This is the DragonFly Mail Agent v0.13 at mx.people.example.\n\nThere was an error delivering your mail to <{to}>.\n\n{why}\n\nMessage headers follow:\n\n{headers}",
        (("remote", "hard", "mx.people.example [198.51.100.7] did not like our RCPT TO:\n550 5.1.1 <{to}>: Recipient address rejected: User unknown"), ("gave up", "soft", "Could not connect: Connection timed out; giving up after 5 days"), ("no domain", "dns", "Could not find a mail exchanger; unknown host people.example")),
    ),
    Form(
        "nullmailer",
        "MAILER-DAEMON <MAILER-DAEMON@mx.people.example>",
        "Returned mail: Could not send message",
        "Hi. This is the nullmailer program at mx.people.example.\nYour message could not be delivered to the following recipients:\n\n<{to}>:\n{why}\n\n--- Below this line is a copy of the message.\n\n{original}",
        (UNKNOWN, FULL),
    ),
    Form(
        "mmdf",
        "Memo Service <mmdf@mx.people.example>",
        "Failed mail (msg.aa12345)",
        "Your message could not be delivered to\n'{to} (host: people.example) (queue: smtp)' for the following\nreason: ' {why}'\n\nYour message begins as follows:\n\n{original}",
        (UNKNOWN, ("full", "mailbox_full", "552 mailbox quota exceeded")),
    ),
    Form(
        "mdaemon",
        "MDaemon@mx.people.example",
        "Permanent Delivery Failure",
        "The attached message had PERMANENT fatal delivery errors!\n\nThe following addresses did NOT receive a copy of your message:\n\n> {to}\n\n--- Session Transcript ---\n <-- {why}\n--- End Transcript ---\n: Message contains [1] file attachments\n\n{headers}",
        USUAL,
    ),
    Form(
        "mailenable",
        "MailEnable <postmaster@mx.people.example>",
        "Message Delivery Failure",
        "MailEnable: Message could not be delivered to some recipients.\nThe following recipient(s) could not be reached:\n\n\tRecipient: [SMTP:{to}]\n\tReason: {why}\n\n\nMessage headers follow:\n{headers}",
        (("unknown", "hard", "Remote SMTP Server Returned: 550 5.1.1 User unknown"), ("full", "mailbox_full", "The mailbox is over quota"), ("no domain", "dns", "The message could not be delivered because the domain name (people.example) does not appear to be registered. domain not found")),
    ),
    Form(
        "hmailserver",
        "mailer-daemon@mx.people.example",
        "Message undeliverable: Spring letter",
        "Your message did not reach some or all of the intended recipients.\n\n   Sent: Tue, 3 Mar 2026 09:00:00 +0000\n   Subject: Spring letter\n\nThe following recipient(s) could not be reached:\n\n{to}\n   Error Type: SMTP\n   Remote server (198.51.100.7) issued an error.\n   hMailServer sent: RCPT TO:<{to}>\n   Remote server replied: {why}\n\n\nhMailServer",
        (*USUAL, SPAM),
    ),
    Form(
        "imail",
        "Postmaster <postmaster@mx.people.example>",
        "Undeliverable Mail",
        "{why}\n\nOriginal message follows.\n\n{original}",
        (("unknown", "hard", "Unknown user: {to}"), ("full", "mailbox_full", "User mailbox exceeds allowed size: {to}"), ("gave up", "soft", "Delivery failed 20 attempts: {to}"), ("no host", "dns", "Unknown host: {to}"), ("refused", "hard", "undeliverable to {to}\n\nBody of message generated response:\n550 5.1.1 Invalid recipient <{to}>")),
        ("X-Mailer: <SMTP32 v8.22>",),
    ),
    Form(
        "james",
        "Postmaster@mx.people.example",
        "Returned mail: Spring letter",
        "Hi. This is the James mail server at mx.people.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out. Below\nI include the list of recipients and the reason why I was unable to deliver\nyour message.\n\nFailed recipient(s):\n{to}\n\nError message:\n{why}\n\n",
        USUAL,
    ),
    Form(
        "citadel",
        "Citadel <room_aide@mx.people.example>",
        "Delivery Status Notification (Failure)",
        "A message you sent could not be delivered to some or all of its recipients.\nThe following addresses were undeliverable:\n\n{to}: {why}\n\n",
        (UNKNOWN, FULL, NO_DOMAIN),
    ),
    Form(
        "xmail",
        "postmaster@mx.people.example",
        "Error sending message [1234.5678.mx] from [people.example]",
        "[<00>] XMail bounce: Rcpt=[{to}];Error=[{why}]\n\n\n[<01>] Error sending message [1234.5678.mx] from [people.example].\n\nID:        <S4D2>\nMail From: <b-token@kb.news.example>\nRcpt To:   <{to}>\nServer:    <mx.people.example>\n\n[<02>] The reason of the delivery failure was:\n\n{why}\n\n[<05>] Here is listed the initial part of the message:\n\n{original}",
        (UNKNOWN, FULL, LISTED, GAVE_UP),
    ),
    Form(
        "merak",
        "MAILER-DAEMON <MAILER-DAEMON@mx.people.example>",
        "Undeliverable: Spring letter",
        "Message from IceWarp Server.\n\nThe message could not be delivered to the following recipient:\n\n{to}\n{why}\n\n-- The header of the original message follows --\n\n{headers}",
        (UNKNOWN, FULL, SPAM),
    ),
    Form(
        "axigen",
        "Mail Delivery System <postmaster@mx.people.example>",
        "Delivery failure notification",
        "This is an automatically generated message. Your mail was not delivered to the following recipients:\n\n{to} ({why})\n\n",
        (UNKNOWN, FULL),
    ),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """Every form in each of its situations."""
    for form in FORMS:
        yield from form.mails()
