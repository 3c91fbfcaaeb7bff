"""Notices that a mail is late: the server goes on trying, so nothing has bounced."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import Mail, Names, headers, original, plain, report

# Server, From, subject, words.
NOTICES = (
    ("exim", "Mail Delivery System <Mailer-Daemon@mx.people.example>", "Warning: message 1abCDe-000123-AB delayed 24 hours", "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.people.example.\n\nThe address to which the message has not yet been delivered is:\n\n  {to}\n    host mx.people.example [198.51.100.7]: 451 4.7.1 try later\n\nNo action is required on your part. Delivery attempts will continue for\nsome time, and this warning may be repeated at intervals if the message\nremains undelivered. Eventually the mail delivery software will give up,\nand when that happens, the message will be returned to you.\n"),
    ("sendmail", "Mail Delivery Subsystem <MAILER-DAEMON@mx.people.example>", "Warning: could not send message for past 4 hours", "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\n   ----- The following addresses had transient non-fatal errors -----\n<{to}>\n\n   ----- Transcript of session follows -----\n<{to}>... Deferred: Connection timed out with mx.people.example.\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n"),
    ("gmail", "Mail Delivery Subsystem <mailer-daemon@gmail.example>", "Delivery Status Notification (Delay)", "This is an automatically generated Delivery Status Notification\n\nTHIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nDelivery to the following recipient has been delayed:\n\n     {to}\n\nMessage will be retried for 2 more day(s)\n"),
    ("gmail-new", "Mail Delivery Subsystem <mailer-daemon@gmail.example>", "Delivery Status Notification (Delay)", "** Delivery incomplete **\n\nThere was a temporary problem delivering your message to {to}. Gmail will retry for 47 more hours. You'll be notified if the delivery fails permanently.\n"),
    ("courier", '"Courier mail server at mx.people.example" <postmaster@mx.people.example>', "WARNING: delayed mail.", "           DELAYS IN DELIVERING YOUR MESSAGE\n\nThis message has not been delivered yet to:\n\n<{to}>:\n    451 try later\n\nThe server will continue trying to deliver it.\n"),
    ("exchange", "System Administrator <postmaster@people.example>", "Delivery delayed: Spring letter", "Delivery is delayed to these recipients or groups:\n\n{to}\n\nSubject: Spring letter\n\nThis message hasn't been delivered yet. Delivery will continue to be attempted.\n\nThe server will keep trying to deliver this message for the next 1 days, 19 hours and 58 minutes.\n"),
    ("domino", "Postmaster@people.example", "DELIVERY DELAYED: Spring letter", "Your message\n\n  Subject: Spring letter\n\nhas not been delivered yet to:\n\n  {to}\n\nbecause the router is still trying; delivery will be retried.\n"),
    ("messageswitch", "MessageSwitch <postmaster@people.example>", "Delivery warning", "Your message to: {to}\nhas been delayed.\n\nThis is just a warning, you do not need to take any action.\n"),
    ("yahoo", "MAILER-DAEMON@yahoo.example", "Delayed delivery notice", "Your message to <{to}> has not been delivered yet. We are still trying, and no action is required.\n"),
    ("german", "Mail Delivery System <Mailer-Daemon@mx.people.example>", "Verzögerte Zustellung", "Ihre Nachricht konnte noch nicht zugestellt werden, die Zustellung verzögert sich.\n\n  {to}\n\nWeitere Versuche folgen.\n"),
    ("french", "Mail Delivery System <Mailer-Daemon@mx.people.example>", "Retard de distribution", "Votre message n'a pas encore pu être remis, sa distribution est retardée.\n\n  {to}\n"),
    ("japanese", "MAILER-DAEMON@people.example", "配信遅延のお知らせ", "メールの配信が遅延しています。引き続き再送を試みます。\n\n{to}\n"),
)  # fmt: skip

REPORTS = (
    ("postfix", "Delayed Mail (still being retried)", "####################################################################\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n####################################################################\n\nYour message could not be delivered for more than 4 hour(s).\nIt will be retried until it is 5 day(s) old.\n\n<{to}>: connect to mx.people.example[198.51.100.7]:25: Connection timed out\n"),
    ("exchange", "Delivery Status Notification (Delay)", "This is an automatically generated Delivery Status Notification.\n\nTHIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nDelivery to the following recipients has been delayed.\n\n       {to}\n"),
    ("opensmtpd", "Delivery status notification: warning", "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    A message is delayed for more than 4 hours for the following\n    list of recipients:\n\n{to}: 451 try later\n"),
    ("powermta", "Delivery report", "Hello, this is the mail server on pmta.example.\n\n  <{to}>  delivery temporarily suspended; will continue trying\n"),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """Each notice and each report."""
    names = Names("delays")
    for server, sender, subject, words in NOTICES:
        to, message_id = names.address(), names.message_id()
        text = f"{words.format(to=to)}\n------ This is a copy of the message, including all the headers. ------\n\n{original(to, message_id)}"
        yield Mail(f"delay:{server}", "words", plain(headers(sender, subject), text), "delay", {}, message_id)
    for server, subject, words in REPORTS:
        to, message_id = names.address(), names.message_id()
        fields = f"Final-Recipient: rfc822; {to}\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; 451 4.4.1 try later\nWill-Retry-Until: Sun, 8 Mar 2026 09:00:00 +0000"
        yield Mail(
            f"delay:{server}",
            "report",
            report(
                headers(f"MAILER-DAEMON@{server}.example", subject),
                words.format(to=to),
                fields,
                original(to, message_id),
            ),
            "delay",
            {},
            message_id,
        )
