"""Exchange 5.5 to Exchange Online, the SMTP service of Windows, Outlook.com, in the languages that they speak."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import Form, Mail, Names, headers, multipart, original, report

ONLINE = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@people.example"

# Language, subject, first words.
LANGUAGES = (
    ("English", "Undeliverable: Spring letter", "Delivery has failed to these recipients or groups:"),
    ("German", "Unzustellbar: Spring letter", "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:"),
    ("French", "Non remis : Spring letter", "Échec de la remise à ces destinataires ou groupes :"),
    ("Spanish", "No se puede entregar: Spring letter", "Error de entrega a estos destinatarios o grupos:"),
    ("Italian", "Non recapitabile: Spring letter", "Recapito non riuscito per i seguenti destinatari o gruppi:"),
    ("Portuguese", "Não entregue: Spring letter", "Falha na entrega a estes destinatários ou grupos:"),
    ("Dutch", "Onbestelbaar: Spring letter", "Bezorging is mislukt voor de volgende geadresseerden of groepen:"),
    ("Swedish", "Ej levererat: Spring letter", "Det gick inte att leverera till följande mottagare eller grupper:"),
    ("Polish", "Niedostarczone: Spring letter", "Dostarczenie wiadomości do tych adresatów lub grup nie powiodło się:"),
    ("Japanese", "配信不能: Spring letter", "次の受信者またはグループへの配信に失敗しました:"),
    ("Chinese", "未送达: Spring letter", "未能将邮件传递给以下收件人或组:"),
    ("Russian", "Не доставлено: Spring letter", "Сбой доставки следующим получателям или группам:"),
)  # fmt: skip

REASONS = (
    ("not found", "hard", "5.1.1", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found"),
    ("not found at the edge", "hard", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {to} not found by SMTP address lookup"),
    ("full", "mailbox_full", "5.2.2", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException"),
    ("restricted", "policy", "5.7.1", "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized"),
    ("too large", "content", "5.2.3", "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient"),
    ("edge block", "hard", "5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
    ("banned", "block", "5.7.606", "550 5.7.606 Access denied, banned sending IP [192.0.2.25]"),
    ("expired", "soft", "4.4.7", "550 4.4.7 QUEUE.Expired; message expired"),
    ("no domain", "dns", "5.4.4", "554 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain"),
    ("loop", "soft", "5.4.6", "554 5.4.6 Hop count exceeded - possible mail loop"),
    ("tenant rate", "rate", "5.7.5", "550 5.7.5 Too many messages; recipient is receiving mail at a rate that is too high"),
)  # fmt: skip

FORMS = (
    Form(
        "exchange-5.5",
        "System Administrator <postmaster@people.example>",
        "Undeliverable: Spring letter",
        "Your message\n\n  To:      {to}\n  Subject: Spring letter\n  Sent:    Tue, 3 Mar 2026 09:00:00 -0000\n\ndid not reach the following recipient(s):\n\n{to} on Tue, 3 Mar 2026 09:05:00 -0000\n    {why}\n\n",
        (
            ("not recognized", "hard", "The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=US;a= ;p=PEOPLE;l=MX0603030900\n    MSEXCH:IMS:PEOPLE:SITE:MX 0 (000C05A6) Unknown Recipient"),
            ("full", "mailbox_full", "The recipient's mailbox is full\n    MSEXCH:MSExchangeIS:PEOPLE:MX"),
        ),
        ("X-Mailer: Internet Mail Service (5.5.2653.19)",),
    ),
    Form(
        "exchange-2003",
        "System Administrator <postmaster@people.example>",
        "Undeliverable: Spring letter",
        "Your message did not reach some or all of the intended recipients.\n\n      Subject:\tSpring letter\n      Sent:\t3/3/2026 9:00 AM\n\nThe following recipient(s) could not be reached:\n\n      '{to}' on 3/3/2026 9:05 AM\n            {why}\n            <mx.people.example>\n",
        (
            ("does not exist", "hard", "The e-mail account does not exist at the organization this message was sent to. Check the e-mail address, or contact the recipient directly to find out the correct address.\n            <mx.people.example #5.1.1 smtp;550 5.1.1 unknown recipient>"),
            ("full", "mailbox_full", "The recipient's mailbox is full. #5.2.2"),
            ("no route", "dns", "A configuration error in the e-mail system caused the message to bounce. #5.4.4 unknown host"),
        ),
    ),
    Form(
        "windows-smtp",
        "postmaster@people.example",
        "Delivery Status Notification (Failure)",
        "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed.\n\n       {to}\n\n",
        (("unexplained", "hard", ""),),
    ),
    Form(
        "smtpsvc",
        "postmaster@people.example",
        "Undeliverable mail",
        "The email below could not be delivered to the following user:\n\n<{to}>\n{why}\n\nOld message:\n{headers}",
        (("unknown", "hard", "550 user unknown"),),
    ),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """Each language once, each reason once, then the older forms."""
    names = Names("exchange-online")
    for language, subject, first in LANGUAGES:
        to, message_id = names.address(), names.message_id()
        reply = f"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {to} not found by SMTP address lookup"
        html = f"<html><body><p><b>{first}</b></p><p><a href=\"mailto:{to}\">{to}</a></p><p>Remote Server returned '{reply}'</p></body></html>"
        yield Mail(
            "exchange-online",
            language,
            _ndr(subject, html, to, "5.1.10", reply, message_id, "text/html; charset=utf-8"),
            "bounce",
            {to: "hard"},
            message_id,
        )
    names = Names("exchange")
    for name, kind, status, words in REASONS:
        to, message_id = names.address(), names.message_id()
        reply = words.format(to=to)
        text = f"Delivery has failed to these recipients or groups:\n\n{to}\n\nDiagnostic information for administrators:\n\nGenerating server: mx.people.example\n\n{to}\nRemote Server returned '{reply}'\n"
        yield Mail(
            "exchange",
            name,
            _ndr("Undeliverable: Spring letter", text, to, status, reply, message_id),
            "bounce",
            {to: kind},
            message_id,
        )
    yield from _without_report()
    yield from _outlook_com()
    for form in FORMS:
        yield from form.mails()


def _ndr(
    subject: str,
    text: str,
    to: str,
    status: str,
    reply: str,
    message_id: str,
    notice_type: str = "text/plain; charset=utf-8",
) -> bytes:
    head = headers(
        f"postmaster@people.example <{ONLINE}>",
        subject,
        "X-MS-Exchange-Message-Is-Ndr:",
        f"In-Reply-To: {message_id}",
        f"References: {message_id}",
        "Auto-Submitted: auto-replied",
    )
    fields = f"Original-Recipient: rfc822;{to}\nFinal-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp;{reply}\nX-Display-Name: A person"
    return report(
        head,
        text,
        fields,
        original(to, message_id),
        reporting="Reporting-MTA: dns;mx.people.example\nReceived-From-MTA: dns;smtp.news.example",
        notice_type=notice_type,
    )


def _without_report() -> Iterator[Mail]:
    """Gateways take the report away and leave the words, and the id in References."""
    names = Names("exchange-html")
    for language, subject, first in LANGUAGES[:6]:
        to, message_id = names.address(), names.message_id()
        head = headers(
            "postmaster@people.example", subject, f"References: {message_id}", f"In-Reply-To: {message_id}"
        )
        html = f"<html><head><style>p {{ margin: 0 }}</style></head><body><p><b>{first}</b></p><p>{to}</p><p>Remote Server returned '550 5.1.1 RESOLVER.ADR.RecipNotFound; not found'</p></body></html>"
        parts = [("Content-Type: text/html; charset=utf-8", html)]
        yield Mail(
            "exchange-html",
            language,
            multipart(head, parts, kind="mixed"),
            "bounce",
            {to: "hard"},
            message_id,
        )


def _outlook_com() -> Iterator[Mail]:
    names = Names("outlook.com")
    for name, kind, status, reply in (
        (
            "mailbox unavailable",
            "hard",
            "5.5.0",
            "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)",
        ),
        (
            "S3140",
            "block",
            "5.7.1",
            "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140)",
        ),
        (
            "DMARC",
            "policy",
            "5.7.509",
            "550 5.7.509 Access denied, sending domain news.example does not pass DMARC verification and has a DMARC policy of reject",
        ),
        (
            "full",
            "mailbox_full",
            "5.2.2",
            "552 5.2.2 The recipient's mailbox is full and can't accept messages now",
        ),
    ):
        to, message_id = names.address("outlook.example"), names.message_id()
        head = headers("postmaster@outlook.example", "Delivery Status Notification (Failure)")
        text = f"This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed.\n\n       {to}\n\n"
        fields = (
            f"Final-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp;{reply}"
        )
        yield Mail(
            "outlook.com",
            name,
            report(head, text, fields, original(to, message_id)),
            "bounce",
            {to: kind},
            message_id,
        )
