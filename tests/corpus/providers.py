"""Large mailbox providers."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import FULL, LISTED, UNKNOWN, Form, Mail, Names, headers, original, report

FORMS = (
    Form(
        "gmail-old",
        "Mail Delivery Subsystem <mailer-daemon@gmail.example>",
        "Delivery Status Notification (Failure)",
        "Delivery to the following recipient failed permanently:\n\n     {to}\n\nTechnical details of permanent failure: \n{why}\n\n----- Original message -----\n\n{original}",
        (
            ("unknown", "hard", "Google tried to deliver your message, but it was rejected by the server for the recipient domain people.example by mx.people.example. [198.51.100.7].\n\nThe error that the other server returned was:\n550 5.1.1 <{to}>... User unknown"),
            ("no account", "hard", "The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces. #550 5.1.1"),
            ("no domain", "dns", "DNS Error: Domain name not found"),
            ("gave up", "soft", "Google tried to deliver your message, but it was rejected. We have been unable to reach mx.people.example. The message was in the queue too long."),
            ("full", "mailbox_full", "The error that the other server returned was:\n552 5.2.2 The email account that you tried to reach is over quota"),
        ),
    ),
    Form(
        "gmail-with-field",
        "Mail Delivery Subsystem <mailer-daemon@gmail.example>",
        "Delivery Status Notification (Failure)",
        "** Address not found **\n\nYour message wasn't delivered to {to} because the address couldn't be found, or is unable to receive mail.\n\nThe response from the remote server was:\n{why}\n",
        (UNKNOWN, LISTED),
        ("X-Failed-Recipients: {to}",),
    ),
    Form(
        "yahoo",
        "MAILER-DAEMON@yahoo.example",
        "Failure Notice",
        "Sorry, we were unable to deliver your message to the following address.\n\n<{to}>:\n{why}\n\n--- Below this line is a copy of the message.\n\n{original}",
        (
            ("no account", "hard", "This user doesn't have a yahoo.example account ({to}) [0]"),
            ("remote", "hard", "Remote host said: 550 5.1.1 <{to}>: Recipient address rejected: User unknown [RCPT_TO]"),
            ("full", "mailbox_full", "552: 5.2.2 The mailbox is over quota"),
            ("rate", "rate", "421: 4.7.0 [TSS04] Messages from 192.0.2.25 temporarily deferred due to unexpected volume or user complaints"),
            ("policy", "policy", "554: 5.7.9 Message not accepted for policy reasons. DMARC"),
        ),
    ),
    Form(
        "aol",
        "Mail Delivery Subsystem <MAILER-DAEMON@aol.example>",
        "Returned mail: User unknown",
        "The original message was received at Tue, 3 Mar 2026 09:00:00 GMT\nfrom smtp.news.example [192.0.2.25]\n\n*** ATTENTION ***\n\nYour e-mail is being returned to you because there was a problem with its\ndelivery.  The address which was undeliverable is listed in the section\nlabeled: \"----- The following addresses had permanent fatal errors -----\".\n\n     ----- The following addresses had permanent fatal errors -----\n<{to}>\n\n   ----- Transcript of session follows -----\n... while talking to air-mx.aol.example.:\n>>> RCPT To:<{to}>\n<<< {why}\n",
        (UNKNOWN, ("full", "mailbox_full", "552 {local} MAILBOX FULL")),
    ),
    Form(
        "gmx",
        '"GMX Mailer Daemon" <mailer-daemon@gmx.example>',
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. The following addresses failed:\n\n<{to}>: {why}\n\n--- The header of the original message is following. ---\n\n{headers}",
        (UNKNOWN, ("timeout", "soft", "delivery retry timeout exceeded"), FULL),
    ),
    Form(
        "1und1",
        '"Mail Delivery System" <mailer-daemon@kunden.example>',
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error. The following address(es)\nfailed:\n\n{to}:\nFor the following reason:\n{why}\n\n--- The header of the original message is following. ---\n\n{headers}",
        (("too large", "content", "552 5.3.4 Mail size limit exceeded, the message is too large"), UNKNOWN),
    ),
    Form(
        "mail.ru",
        "<mailer-daemon@corp.mail.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  {to}\n    {why}\n\n------ This is a copy of the message, including all the headers. ------\n\n{original}",
        (("unknown", "hard", "550 Message was not accepted -- invalid mailbox.  Local mailbox {to} is unavailable: user not found"), ("full", "mailbox_full", "550 mailbox is full: message over quota")),
        ("X-Failed-Recipients: {to}",),
    ),
    Form(
        "sina",
        "mailer-daemon@sina.example",
        "系统退信/Systems bounce",
        "抱歉，您的邮件被退回来了……\n\n无法发送到 <{to}>\n退信原因: {why}\n\nYour message could not be delivered.\n",
        (("unknown", "hard", "收件人邮箱地址不存在 550 user not found"), ("full", "mailbox_full", "对方邮箱已满 mailbox is full")),
        charset="gb18030",
    ),
    Form(
        "free.fr",
        "MAILER-DAEMON@libre.example",
        "Message non distribué : retour à l'expéditeur",
        "Votre message n'a pas pu être remis au destinataire suivant :\n\n  <{to}>\n\nRaison : {why}\n\n",
        (("inconnu", "hard", "550 5.1.1 adresse inconnue"), ("pleine", "mailbox_full", "La boîte aux lettres du destinataire est pleine")),
        charset="iso-8859-1",
    ),
    Form(
        "terra",
        "Mailer-Daemon@terra.example",
        "No se pudo entregar el mensaje",
        "Lo sentimos, su mensaje no pudo ser entregado al siguiente destinatario:\n\n{to}\n\nMotivo: {why}\n\n",
        (("desconocido", "hard", "El usuario es desconocido, la cuenta no existe"), ("lleno", "mailbox_full", "El buzón del usuario está lleno")),
        charset="iso-8859-1",
    ),
    Form(
        "naver",
        "Mailer-Daemon <mailer-daemon@naver.example>",
        "[반송] 메일 전송 실패",
        "메일 전송에 실패하였습니다.\n\n받는사람: {to}\n\n{why}\n\n",
        (("unknown", "hard", "550 5.1.1 No such user here"), ("full", "mailbox_full", "552 5.2.2 mailbox is full")),
    ),
)  # fmt: skip

# Provider, From, subject, replies: name, kind, status, words.
REPORTS = (
    ("gmail", "Mail Delivery Subsystem <mailer-daemon@gmail.example>", "Delivery Status Notification (Failure)", (
        ("not found", "hard", "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or unnecessary spaces."),
        ("disabled", "hard", "5.2.1", "550-5.2.1 The email account that you tried to reach is inactive."),
        ("full", "mailbox_full", "5.2.2", "552-5.2.2 The recipient's inbox is out of storage space."),
        ("unauthenticated", "policy", "5.7.26", "550-5.7.26 This mail has been blocked because the sender is unauthenticated."),
        ("unsolicited", "content", "5.7.1", "550-5.7.1 [192.0.2.25] Our system has detected that this message is likely unsolicited mail."),
        ("reputation", "block", "5.7.1", "550-5.7.1 Our system has detected that this message comes from a domain with a very low reputation of the sending domain."),
        ("rate", "rate", "4.7.28", "421-4.7.28 Our system has detected an unusual rate of mail originating from your IP address."),
        ("no domain", "dns", "5.1.2", "DNS Error: DNS type 'mx' lookup of people.example responded with code NXDOMAIN Domain name not found: people.example"),
    )),
    ("icloud", "Mail Delivery System <MAILER-DAEMON@icloud.example>", "Undelivered Mail Returned to Sender", (
        ("unknown", "hard", "5.1.1", "550 5.1.1 <{to}>: user does not exist"),
        ("full", "mailbox_full", "5.2.2", "552 5.2.2 <{to}>: user is over quota"),
        ("HM08", "block", "5.7.1", "550 5.7.1 [HM08] Message rejected due to local policy; your IP is on a blocklist"),
        ("CS01", "content", "5.7.1", "554 5.7.1 [CS01] Message rejected because it is likely spam"),
    )),
    ("yandex", "mailer-daemon@yandex.example", "Недоставленное сообщение", (
        ("no such user", "hard", "5.1.1", "550 5.7.1 No such user!"),
        ("spam", "content", "5.7.1", "554 5.7.1 Message rejected under suspicion of SPAM; considered spam"),
    )),
    ("zoho", "mailer-daemon@zoho.example", "Undelivered Mail Returned to Sender", (
        ("unknown", "hard", "5.1.1", "550 5.1.1 User unknown or Invalid recipient <{to}>"),
        ("policy", "policy", "5.7.1", "554 5.7.1 Email cannot be delivered: relaying denied by policy"),
    )),
    ("fastmail", "Mail Delivery System <MAILER-DAEMON@fast.example>", "Undelivered Mail Returned to Sender", (
        ("unknown", "hard", "5.1.1", "550 5.1.1 <{to}>: Recipient address rejected: not found"),
        ("quota", "mailbox_full", "5.2.2", "552 5.2.2 Over quota"),
    )),
    ("qq", "PostMaster@qq.example", "系统退信", (
        ("unknown", "hard", "5.1.1", "550 Mailbox unavailable or access denied: user not found"),
        ("full", "mailbox_full", "5.2.2", "552 mailbox full"),
        ("rate", "rate", "5.7.1", "550 Mail rate limit exceeded, too many messages from 192.0.2.25"),
    )),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """The forms of their own, and the reports."""
    for form in FORMS:
        yield from form.mails()
    for provider, sender, subject, replies in REPORTS:
        names = Names(provider)
        for name, kind, status, words in replies:
            to, message_id = names.address(), names.message_id()
            reply = words.format(to=to)
            text = f"Your message could not be delivered to <{to}>.\n\nThe response from the remote server was:\n{reply}\n"
            fields = f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}\nRemote-MTA: dns; mx.people.example\nDiagnostic-Code: smtp; {reply}"
            yield Mail(
                provider,
                name,
                report(headers(sender, subject), text, fields, original(to, message_id)),
                "bounce",
                {to: kind},
                message_id,
            )
