"""Mail that is none of these, though some of it talks as if it were."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import Mail, Names, headers, multipart, original, plain

BOUNCE_WORDS = "<ann@people.example>: host mx.people.example[198.51.100.7] said: 550 5.1.1 User unknown"

# From, subject, further fields, words.
MAILS = (
    ("Ann Abel <ann@people.example>", "Re: Spring letter", ("In-Reply-To: <1@news.example>",), "Thank you, I enjoyed it.\n"),
    ("Bob Berg <bob@people.example>", "Question", (), "When does the shop open?\n"),
    ("Ann Abel <ann@people.example>", "Fwd: Undelivered Mail Returned to Sender", (), f"Bob, what does this mean?\n\n---------- Forwarded message ----------\nFrom: Mail Delivery System\n\nThis is the mail system at host mx.people.example.\n\n{BOUNCE_WORDS}\n"),
    ("Ann Abel <ann@people.example>", "Re: Undelivered Mail Returned to Sender", ("In-Reply-To: <1@mx.people.example>",), f"I got this again:\n\n> {BOUNCE_WORDS}\n"),
    ("Ann Abel <ann@people.example>", "AW: Unzustellbar: Spring letter", (), "Ihre Nachricht konnte nicht zugestellt werden, schrieb der Server. Was tun?\n"),
    ("Ann Abel <ann@people.example>", "my mail to you bounced", (), f"Hello, I wrote to bob@people.example yesterday but it came back:\n\n{BOUNCE_WORDS}\n\nDo you have another address?\n"),
    ("Ann Abel <ann@people.example>", "Delivery", (), "The parcel could not be delivered to me. Please send it to 5 Example Street.\n"),
    ("Parcels <noreply@parcels.example>", "Delivery failed: we missed you", (), "We tried to deliver your parcel but no one was home. We will try again tomorrow.\n"),
    ("Parcels <noreply@parcels.example>", "Your delivery could not be completed", ("Auto-Submitted: no",), "The address was not found. Please contact support@parcels.example to give us another address.\n"),
    ("Deliverability Weekly <letter@weekly.example>", "Undelivered Mail Returned to Sender: what it means", ("List-Id: <weekly.example>", "List-Unsubscribe: <https://weekly.example/u>", "Precedence: bulk"), f"This week: why your message could not be delivered.\n\n{BOUNCE_WORDS}\n\nRead more on our site.\n"),
    ("Postmaster Tools <postmaster@weekly.example>", "Bounces explained", ("List-Unsubscribe: <https://weekly.example/u>",), "When a message could not be delivered, the server says 550 5.1.1 user unknown.\n"),
    ("News <news@weekly.example>", "Spring is here", ("List-Unsubscribe: <https://weekly.example/u>",), "Contact us, at hello@weekly.example, for more.\n"),
    ("Shop <orders@shop.example>", "Your order 1234", (), "Thank you. It will be delivered to ann@people.example.\n"),
    ("Shop <orders@shop.example>", "Payment failed", (), "Your payment could not be processed. The card was rejected by your bank.\n"),
    ("Shop <orders@shop.example>", "Order rejected", (), "Your order was rejected. Write to orders@shop.example.\n"),
    ("Bank <noreply@bank.example>", "Transfer returned", (), "Your transfer was returned by the recipient's bank: account unknown.\n"),
    ("Monitoring <alerts@ops.example>", "CRITICAL: mail queue", (), "Mail queue has 500 messages. Last error: 451 4.4.1 connection timed out to mx.people.example.\n"),
    ("Cron Daemon <root@ops.example>", "Cron <root@ops> /usr/bin/backup", ("Auto-Submitted: no",), "backup: could not send report to ann@people.example\n"),
    ("root <root@ops.example>", "Logwatch for ops.example", (), "Postfix:\n  3 messages undeliverable\n  550 5.1.1 user unknown: ann@people.example\n"),
    ("Mail Delivery System <MAILER-DAEMON@ops.example>", "Postfix SMTP server: errors from unknown[192.0.2.9]", (), "Transcript of session follows.\n\n Out: 220 ops.example ESMTP Postfix\n In:  RCPT TO:<ann@people.example>\n Out: 554 5.7.1 <ann@people.example>: Relay access denied\n"),
    ("DMARC <noreply-dmarc@reports.example>", "Report Domain: news.example Submitter: reports.example Report-ID: 1", (), "This is a DMARC aggregate report.\n"),
    ("postmaster@reports.example", "Report domain: news.example Submitter: reports.example", (), "This is an aggregate report. 12 messages failed, 3 were rejected.\n"),
    ("TLS reports <tlsrpt@reports.example>", "Report Domain: news.example Submitter: reports.example TLS-RPT", (), "TLS report: 2 failures.\n"),
    ("Quarantine <quarantine@filter.example>", "Spam quarantine digest", (), "3 messages to you were blocked as spam:\n  from bob@people.example\n  from shop@shop.example\n"),
    ("Tracker <tracker@code.example>", "[code] Mail to ann@people.example not delivered (#42)", ("List-Id: <code.example>",), "When I send mail it says 550 5.1.1 User unknown. Steps to reproduce follow.\n"),
    ("Tracker <tracker@code.example>", "Re: [code] Undeliverable: parse Exchange NDRs (#43)", ("List-Id: <code.example>", "In-Reply-To: <43@code.example>"), "Final-Recipient: rfc822; ann@people.example\nAction: failed\nStatus: 5.1.1\n"),
    ("Dimitri Diaz <dimitri@people.example>", "DSN fields", (), "The fields are:\n\nFinal-Recipient: rfc822; ann@people.example\nAction: failed\nStatus: 5.1.1\n\nYours, Dimitri\n"),
    ("Help desk <help@desk.example>", "[Ticket 77] Mail delivery failed", (), "You wrote: mail to bob@people.example failed with 550 5.1.1. We look into it.\n"),
    ("Social <notify@social.example>", "Ann sent you a message", (), "Ann: the invitation was undeliverable, lol\n"),
    ("Calendar <calendar@people.example>", "Accepted: Spring meeting", (), "Ann has accepted.\n"),
    ("Calendar <calendar@people.example>", "Declined: Spring meeting", (), "Bob has declined and could not attend.\n"),
    ("Registrar <service@registrar.example>", "Your domain expires", (), "news.example expires in 30 days.\n"),
    ("Ann Abel <ann@people.example>", "unsubscribe", (), "Please take me off your list.\n"),
    ("Ann Abel <ann@people.example>", "Please confirm the meeting", (), "Can you confirm that you will come? Reply to this mail.\n"),
    ("Shop <hello@shop.example>", "Confirm your email address", ("List-Unsubscribe: <https://shop.example/u>",), "Please click the link below to confirm your email address and receive our letter.\n"),
    ("Service <no-reply@service.example>", "Verify your account", (), "Enter the code 123456.\n"),
    ("Ann Abel <ann@people.example>", "Failure notice period", (), "What is the notice period if the device has a failure? ann@people.example\n"),
    ("Ann Abel <ann@people.example>", "Warning: road closed", (), "The road is closed, my arrival is delayed.\n"),
    ("Mail Service <info@mailservice.example>", "Welcome to our mail service", (), "Your mailbox ann@mailservice.example is ready. Mail that cannot be delivered is returned to its sender.\n"),
    ("System Administrator <admin@people.example>", "Maintenance on Sunday", (), "Mail will not be delivered between 2 and 4. No action is required.\n"),
    ("Postmaster <postmaster@people.example>", "New rules for mailboxes", (), "From May mailboxes over quota will be full and mail to them will be rejected. Questions to help@people.example.\n"),
    ("Anna <anna@people.example>", "Mailbox full of joy", (), "My mailbox is full of letters since your course!\n"),
    ("Хана <hana@people.example>", "Спасибо", (), "Письмо дошло, спасибо!\n"),
    ("花 <hana@people.example>", "ありがとうございます", (), "メールを受け取りました。荷物は届いていません。\n"),
    ("Léna <lena@people.example>", "Merci", (), "Je n'ai pas pu venir hier, désolée.\n"),
    ("Jürgen <j@people.example>", "Paket nicht zugestellt", (), "Das Paket wurde nicht zugestellt, die Adresse war unbekannt.\n"),
    ("Ivo <ivo@people.example>", "", (), "no subject\n"),
    ("Jun <jun@people.example>", "empty", (), ""),
    ("Recruiting <jobs@work.example>", "Your application was rejected", (), "Unfortunately we could not accept you.\n"),
    ("Lists <owner@lists.example>", "Results of your email commands", (), "subscribe: done\n"),
    ("Survey <survey@ask.example>", "We couldn't reach you", (), "We tried to reach you at ann@people.example. Take our survey!\n"),
    ("Status page <status@service.example>", "Incident: delayed deliveries", (), "Mail deliveries are delayed. We will continue to post updates.\n"),
    ("Security <security@service.example>", "Message blocked", (), "We blocked a sign-in. If it was you, no action is required.\n"),
    ("Fatima <fatima@people.example>", "Re: Delivery Status Notification (Failure)", ("In-Reply-To: <2@gmail.example>", "References: <2@gmail.example>"), "Is this why I did not get your letter?\n"),
    ("Goran <goran@people.example>", "RE: Returned mail: see transcript for details", (), "See below\n\n-----Original Message-----\nFrom: Mail Delivery Subsystem\n\n550 5.1.1 <ann@people.example>... User unknown\n"),
    ("Parcels <noreply@parcels.example>", "Undeliverable parcel 123", (), "Recipient: ann@people.example\nThe parcel could not be delivered, the address is unknown.\n"),
    ("Printer <noreply@printer.example>", "Invoice 550 5512", ("Auto-Submitted: no",), "Your invoice could not be sent to the printer. Total: 550 EUR, see version 5.1.12.3.\n"),
    ("Travel <news@travel.example>", "Vacation: our best offers", ("List-Unsubscribe: <https://travel.example/u>",), "Out of office? Go to the sea.\n"),
    ("Postmaster <postmaster@people.example>", "Re: Undeliverable: Spring letter", ("In-Reply-To: <4@news.example>",), "The address was wrong, I told ann@people.example. Your report said:\n\n> 550 5.1.1 User unknown\n"),
    ("Absent Friends <friends@people.example>", "Absent friends, spring issue", (), "Our choir sings again.\n"),
    ("News <letter@weekly.example>", "Returned to sender: a short history of the post", ("List-Unsubscribe: <https://weekly.example/u>",), "Letters that could not be delivered went to the dead letter office.\n"),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """The mails above, and some with other mails attached."""
    for sender, subject, more, words in MAILS:
        yield Mail("ordinary", subject or "no subject", plain(_head(sender, subject, *more), words), "other")
    names = Names("ordinary")
    for name, subject, words in (
        (
            "a bounce, attached by a person",
            "FW: Undeliverable: Spring letter",
            "Please look at the attached bounce.",
        ),
        ("a bounce, attached without a word", "Undeliverable", ""),
        ("a bounce, attached to a ticket", "[Ticket 12] user cannot send", "The customer attached this."),
    ):
        to = names.address()
        bounce = f"From: MAILER-DAEMON@mx.people.example\nTo: ann@people.example\nSubject: Undelivered Mail Returned to Sender\nContent-Type: multipart/report; report-type=delivery-status; boundary=inner\n\n--inner\nContent-Type: text/plain\n\nFailed.\n--inner\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.people.example\n\nFinal-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1\n\n--inner--"
        parts = [("Content-Type: text/plain", words), ("Content-Type: message/rfc822", bounce)]
        yield Mail(
            "ordinary",
            name,
            multipart(_head("Ann Abel <ann@people.example>", subject), parts, kind="mixed"),
            "other",
        )
    to = names.address()
    parts = [
        ("Content-Type: text/plain", "Please look at this."),
        (
            "Content-Type: message/delivery-status",
            f"Reporting-MTA: dns; mx.people.example\n\nFinal-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1\n",
        ),
    ]
    yield Mail(
        "ordinary",
        "a report within a forward",
        multipart(
            _head("Ann Abel <ann@people.example>", "Fwd: Undeliverable: Spring letter"), parts, kind="mixed"
        ),
        "other",
    )
    parts = [
        ("Content-Type: text/plain", "See the attached letter."),
        ("Content-Type: message/rfc822", original(to, names.message_id())),
    ]
    yield Mail(
        "ordinary",
        "our letter, forwarded",
        multipart(_head("Ann Abel <ann@people.example>", "Fwd: Spring letter"), parts, kind="mixed"),
        "other",
    )
    html = "<html><body><h1>Could not be delivered?</h1><p>Write to <a href='mailto:hello@shop.example'>hello@shop.example</a></p></body></html>"
    parts = [
        ("Content-Type: text/plain", "Could not be delivered? Write to hello@shop.example"),
        ("Content-Type: text/html", html),
    ]
    yield Mail(
        "ordinary",
        "advertisement",
        multipart(_head("Shop <hello@shop.example>", "Delivery problems?"), parts, kind="alternative"),
        "other",
    )
    for number in range(4):
        yield Mail(
            "ordinary",
            f"letter {number}",
            plain(
                _head(f"News <letter{number}@weekly.example>", "This week", "List-Id: <weekly.example>"),
                "Hello.\n" * (number + 1),
            ),
            "other",
        )


def _head(sender: str, subject: str, *more: str) -> str:
    return headers(sender, subject, *more).replace(
        "Return-Path: <>", f"Return-Path: <{sender.rpartition('<')[2].strip('>')}>"
    )
