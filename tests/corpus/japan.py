"""Japanese carriers and providers."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import Form, Mail, Names, headers, original, report

FORMS = (
    Form(
        "au",
        "Postmaster@ezweb.example",
        "Mail System Error - Returned Mail",
        "{why}\n\n--------------------------------------------------\n\n{original}",
        (
            ("disabled", "hard", "The user(s) account is disabled.\n\n<{to}>: 550 user unknown"),
            ("over quota", "mailbox_full", "The user(s) account is temporarily over quota.\n\n<{to}>"),
            ("limited", "policy", "The user(s) account is temporarily limited, delivery not authorized.\n\n<{to}>: 550 5.7.1 not permitted by policy"),
            ("refused", "hard", "Each of the following recipients was rejected by a remote\nmail server. The reasons given by the server are included\nto help you determine why each recipient was rejected.\n\n    Recipient: <{to}>\n    Reason:    <{to}>... User Unknown"),
            ("no answer", "soft", "Your message was undeliverable, for the following reason: connection timed out.\nThe following recipients did not receive this message:\n\n    <{to}>"),
        ),
        domain="ezweb.example",
    ),
    Form(
        "kddi",
        "no-reply@kddi.example",
        "Mail delivery error",
        "Your mail sent on: Tue, 3 Mar 2026 18:00:00 +0900\n\n    Could not be delivered to: <{to}>\n    {why}\n\n{headers}",
        (("full", "mailbox_full", "As their mailbox is full."), ("relay error", "hard", "Due to the following SMTP relay error: 550 5.1.1 user unknown"), ("no domain", "dns", "As the remote domain doesn't exist.")),
        domain="ezweb.example",
    ),
    Form(
        "biglobe",
        "postmaster@biglobe.example",
        "Returned mail: Error during delivery",
        "   ----- The following addresses had delivery problems -----\n<{to}>\n\n   ----- Non-delivered information -----\n{why}\n\n{original}",
        (("full", "mailbox_full", "The number of messages in recipient's mailbox exceeded the local limit."), ("filtered", "hard", "Mail Delivery Failed... User unknown")),
        domain="biglobe.example",
    ),
    Form(
        "docomo-words",
        "MAILER-DAEMON@docomo.example",
        "Undelivered Mail Returned to Sender",
        "お客様のメールは配信できませんでした。\n\n<{to}>: {why}\n\n--- Below this line is a copy of the message.\n\n{original}",
        (("unknown", "hard", "宛先のメールアドレスが存在しません (550 Unknown user {to})"), ("full", "mailbox_full", "宛先のメールボックスが一杯です")),
        charset="iso-2022-jp",
        domain="docomo.example",
    ),
    Form(
        "softbank",
        "MAILER-DAEMON@softbank.example",
        "メール配信エラー",
        "次の宛先にメールを配信できませんでした。\n\n{to}\n\n理由: {why}\n",
        (("unknown", "hard", "550 Invalid recipient: <{to}>"), ("unknown, in words", "hard", "受信者のメールアドレスが見つかりません"), ("full", "mailbox_full", "552 mailbox full")),
        charset="iso-2022-jp",
        domain="softbank.example",
    ),
    Form(
        "mfilter",
        "MAILER-DAEMON@mfilter.example",
        "failure notice",
        "-------server message\n{why}\n\n-------original message\n{original}",
        (("remote", "hard", "550 5.1.1 <{to}>... User unknown"), ("refused", "block", "554 5.7.1 <{to}>... 192.0.2.25 blocked by the blacklist")),
    ),
    Form(
        "activehunter",
        "MAILER-DAEMON@hunter.example",
        "FAILURE NOTICE :",
        "  ----- The following addresses had permanent fatal errors -----\n\n<{to}>\n\n  ----- Transcript of session follows -----\n{why}\n\n{original}",
        (("unknown", "hard", "550 sorry, no mailbox here by that name (#5.1.1)"), ("full", "mailbox_full", "552 5.2.2 mailbox full")),
    ),
    Form(
        "nifty",
        "MAILER-DAEMON@nifty.example",
        "配信不能通知",
        "あなたが送信したメールは、以下の宛先に届けることができませんでした。\n\n  宛先: {to}\n  理由: {why}\n",
        (("unknown", "hard", "550 5.1.1 User unknown"), ("full", "mailbox_full", "受信箱がいっぱいです")),
        charset="shift_jis",
    ),
)  # fmt: skip

REPORTS = (
    ("docomo", (("unknown", "hard", "5.1.1", "550 Unknown user {to}"), ("full", "mailbox_full", "5.2.2", "552 mailbox is full"), ("refused", "policy", "5.7.1", "550 5.7.1 Access denied by the recipient's policy"))),
    ("rakuten", (("unknown", "hard", "5.1.1", "550 5.1.1 Recipient unknown"), ("rate", "rate", "4.7.1", "450 4.7.1 too many connections from 192.0.2.25"))),
    ("kagoya", (("unknown", "hard", "5.1.1", "550 5.1.1 <{to}> User unknown; rejecting"),)),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """The forms of their own, and the reports."""
    for form in FORMS:
        yield from form.mails()
    for server, replies in REPORTS:
        names = Names(server)
        for name, kind, status, words in replies:
            to, message_id = names.address(f"{server}.example"), names.message_id()
            reply = words.format(to=to)
            fields = f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {reply}"
            head = headers(
                f"Mail Delivery Subsystem <MAILER-DAEMON@{server}.example>",
                "Returned mail: see transcript for details",
            )
            yield Mail(
                server,
                name,
                report(head, f"<{to}>\n    (reason: {reply})\n", fields, original(to, message_id)),
                "bounce",
                {to: kind},
                message_id,
            )
