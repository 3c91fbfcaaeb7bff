"""Answers by machines: out of office, receipts, and those that ask whether a person wrote."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import Mail, Names, headers, multipart, plain

# Name, subject, further fields, words.
REPLIES = (
    ("vacation", "Re: Spring letter", ("Auto-Submitted: auto-replied (vacation)", "Precedence: bulk"), "I will not be reading my mail until 12 March.\n"),
    ("exchange", "Automatic reply: Spring letter", ("Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All"), "I am out of the office. If your message could not wait, contact bob.berg@people.example.\n"),
    ("exchange, old", "Out of Office AutoReply: Spring letter", (), "I am away. Your mail will not be forwarded or delivered to anyone else.\n"),
    ("gone for good", "Automatic reply: Spring letter", ("Auto-Submitted: auto-replied",), "I no longer work at people.example. This mailbox is not monitored. Write to info@people.example.\n"),
    ("gmail", "Away until Monday Re: Spring letter", ("Precedence: bulk", "X-Autoreply: yes", "Auto-Submitted: auto-replied"), "I am hiking.\n"),
    ("german", "Abwesenheitsnotiz: Spring letter", (), "Ich bin bis zum 12. März nicht im Büro. Ihre E-Mail wird nicht weitergeleitet.\n"),
    ("german, long", "Automatische Antwort: Spring letter", ("Auto-Submitted: auto-replied",), "Ich bin im Urlaub und kann Ihre Nachricht nicht lesen.\n"),
    ("french", "Réponse automatique : Spring letter", ("Auto-Submitted: auto-replied",), "Je suis absente, votre message ne pourra pas être traité.\n"),
    ("spanish", "Respuesta automática: Spring letter", (), "Estoy fuera de la oficina.\n"),
    ("italian", "Risposta automatica: Spring letter", (), "Sono fuori ufficio.\n"),
    ("portuguese", "Resposta automática: Spring letter", (), "Estou de férias.\n"),
    ("dutch", "Automatisch antwoord: Spring letter", (), "Ik ben afwezig.\n"),
    ("swedish", "Autosvar: Spring letter", (), "Jag är inte på plats.\n"),
    ("polish", "Automatyczna odpowiedź: Spring letter", (), "Jestem na urlopie.\n"),
    ("russian", "Автоответ: Spring letter", (), "Я в отпуске.\n"),
    ("japanese", "自動返信: Spring letter", (), "ただいま休暇中です。\n"),
    ("chinese", "自动回复: Spring letter", (), "我正在休假。\n"),
    ("autoresponder", "Thank you for writing to us", ("X-Autorespond: yes",), "We have received your mail and will answer within two days.\n"),
    ("cpanel", "Ticket received", ("X-Autoreply: yes", "Precedence: auto_reply"), "Your mail was received.\n"),
    ("help desk", "We received your request", ("Auto-Submitted: auto-replied",), "A person will look at it. If we could not help you, write again.\n"),
    ("sieve", "Vacation reply", ("Auto-Submitted: auto-replied (vacation)",), "I am away.\n"),
    ("mailing list", "Your message to the list awaits moderator approval", ("Auto-Submitted: auto-replied",), "Your mail is being held until the list moderator can review it for approval.\n"),
)  # fmt: skip

CHALLENGES = (
    ("boxtrapper", "Your email requires verification verify#abc123", "The message you sent requires that you verify that you are a real live human being and not a spam source.\n\nTo complete this verification, simply reply to this message and leave the subject line intact. Your message will then be delivered.\n"),
    ("tmda", "Please confirm your message", "This message was created automatically by mail delivery software (TMDA).\n\nYour message attached below is being held because the address has not been verified.\n\nTo release your message for delivery, please send an empty message to the following address, or use your mailer's reply feature.\n"),
    ("spamarrest", "Re: Spring letter (verification required)", "To reduce spam I use Spam Arrest. Please click the link below to verify that you are a person; your message will then be delivered to my inbox.\n\nhttps://arrest.example/verify\n"),
    ("ask", "Please confirm (conf#0123)", "Active Spam Killer: your message has been placed in a queue until you reply to this message to confirm that your email address is valid.\n"),
    ("earthlink", "Re: Spring letter [approval required]", "I apologize for this automatic reply to your email.\n\nTo control spam, I now allow incoming messages only from senders I have approved beforehand. If you would like to be added to my list of approved senders, please click the link below and verify you are human so your message is delivered.\n"),
    ("mailinblack", "Spring letter - vérification requise / verification required", "Mailinblack protects this mailbox. Please click here to authenticate yourself so that your email is delivered.\n"),
    ("uol", "Confirmar envio de mensagem", "AntiSpam UOL: confirme que você é o remetente, clique no link para que a mensagem seja entregue.\n"),
    ("choicemail", "Message approval requested", "ChoiceMail: your message is on hold until you complete a one-time verification. Click the link to have your message delivered.\n"),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """Replies, challenges, receipts."""
    names = Names("automatic")
    for name, subject, more, words in REPLIES:
        yield Mail("auto-reply", name, plain(_from_person(names, subject, *more), words), "auto_reply")
    for name, subject, words in CHALLENGES:
        yield Mail(
            "challenge",
            name,
            plain(_from_person(names, subject, "In-Reply-To: <1@news.example>"), words),
            "challenge_response",
        )
    for name, disposition in (
        ("displayed", "manual-action/MDN-sent-manually; displayed"),
        ("deleted unread", "automatic-action/MDN-sent-automatically; deleted"),
    ):
        to, message_id = names.address(), names.message_id()
        fields = f"Reporting-UA: people.example; Mailer\nFinal-Recipient: rfc822; {to}\nOriginal-Message-ID: {message_id}\nDisposition: {disposition}\n"
        head = headers(f"<{to}>", "Read: Spring letter" if name == "displayed" else "Not read: Spring letter")
        parts = [
            ("Content-Type: text/plain", f"Your message to {to} was {name}."),
            ("Content-Type: message/disposition-notification", fields),
        ]
        yield Mail(
            "receipt",
            name,
            multipart(head, parts, kind="report; report-type=disposition-notification"),
            "auto_reply",
            {},
            message_id,
        )


def _from_person(names: Names, subject: str, *more: str) -> str:
    """Answering machines mostly write from nobody, as RFC 3834 section 3.3 wants it."""
    return headers(f"A Person <{names.address()}>", subject, *more)
