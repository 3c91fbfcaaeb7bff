"""Domino, GroupWise, CommuniGate, FirstClass and the like."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

from collections.abc import Iterator

from tests.corpus.writing import (
    FULL,
    LISTED,
    UNKNOWN,
    USUAL,
    Form,
    Mail,
    Names,
    headers,
    multipart,
    original,
    report,
)

FORMS = (
    Form(
        "domino",
        "Postmaster@people.example",
        "DELIVERY FAILURE: User {local} not listed in Domino Directory",
        "Your message\n\n  Subject: Spring letter\n\nwas not delivered to:\n\n  {to}\n\nbecause:\n\n  {why}\n\n",
        (
            ("not listed", "hard", "User {local} ({to}) not listed in Domino Directory"),
            ("not in the address book", "hard", "User {local} not listed in public Name & Address Book"),
            ("full", "mailbox_full", "{to}: database is over quota, the mailbox quota exceeded"),
            ("remote", "hard", "550 5.1.1 <{to}>... User unknown"),
            ("no route", "dns", "Error transferring to PEOPLE.EXAMPLE; unknown host, no such domain"),
        ),
    ),
    Form(
        "notes",
        "Postmaster@people.example",
        "Undeliverable message",
        "------- Failure Reasons  --------\n\n{why}\n{to}\n\n------- Returned Message --------\n\n{original}",
        (("not listed", "hard", "User not listed in public Name & Address Book"), ("hops", "soft", "Message has exceeded maximum hop count")),
    ),
    Form(
        "communigate",
        "<MAILER-DAEMON@mx.people.example>",
        "Undeliverable mail: Spring letter",
        "Failed to deliver to '{to}'\nSMTP module(domain people.example) reports:\n host mx.people.example says:\n {why}\n\nOriginal message headers:\n{headers}",
        USUAL,
    ),
    Form(
        "firstclass",
        "Postmaster <postmaster@people.example>",
        "NDN: Spring letter",
        "Sorry. Your message could not be delivered to:\n\n{to} ({why})\n\n",
        (("unknown", "hard", "The name was not found at the remote site. Check that the name has been entered correctly."), ("full", "mailbox_full", "The recipient's mailbox is full")),
    ),
    Form(
        "scalix",
        "Mail Delivery System <postmaster@people.example>",
        "Undeliverable: Spring letter",
        "The message below could not be delivered to\n\n\t{to}\n\nbecause {why}\n\n",
        (("unknown", "hard", "the user is unknown in the directory"), ("full", "mailbox_full", "the mailbox is full")),
    ),
    Form(
        "mercury",
        "Electronic Postmaster <postmaster@people.example>",
        "Postmaster Notify: Delivery Failure.",
        "The attached message has failed delivery and has been referred\nto you as postmaster. The following error report or reports\nwere given:\n\n{to}: {why}\n\n",
        (UNKNOWN, FULL, LISTED),
    ),
    Form(
        "tobit",
        "Postmaster <postmaster@people.example>",
        "Unzustellbar: Spring letter",
        "Ihre Nachricht konnte nicht zugestellt werden.\n\nEmpfänger: {to}\nGrund: {why}\n\n",
        (("unknown", "hard", "Der Empfänger ist unbekannt"), ("full", "mailbox_full", "Das Postfach des Empfängers ist voll")),
    ),
)  # fmt: skip


def mails() -> Iterator[Mail]:
    """The forms, and the servers that send parts."""
    for form in FORMS:
        yield from form.mails()
    yield from _groupwise()
    yield from _domino_dsn()
    yield from _moderated_by_sieve()


def _groupwise() -> Iterator[Mail]:
    names = Names("groupwise")
    for name, kind, why in (
        ("unknown", "hard", "user not found"),
        ("remote", "hard", "550 5.1.1 User unknown"),
        ("full", "mailbox_full", "mailbox is full"),
        ("no host", "dns", "550 Host unknown"),
    ):
        to, message_id = names.address(), names.message_id()
        head = headers(
            "Mailer-Daemon@people.example",
            "Message status - undeliverable",
            "X-Mailer: Novell GroupWise Internet Agent 8.0.2",
        )
        text = f"The message that you sent was undeliverable to the following:\n\t{to} ({why})\n\n"
        parts = [
            ("Content-Type: text/plain; charset=us-ascii", text),
            ("Content-Type: message/rfc822", original(to, message_id)),
        ]
        yield Mail("groupwise", name, multipart(head, parts, kind="mixed"), "bounce", {to: kind}, message_id)


def _domino_dsn() -> Iterator[Mail]:
    names = Names("domino-dsn")
    for name, kind, status, why in (
        ("not listed", "hard", "5.1.1", "User not listed in Domino Directory"),
        ("full", "mailbox_full", "5.2.2", "Mail database is over its quota"),
        ("rules", "policy", "5.7.1", "Delivery to this recipient is not authorized"),
    ):
        to, message_id = names.address(), names.message_id()
        head = headers("postmaster@people.example", f"DELIVERY FAILURE: {why}")
        fields = (
            f"Final-Recipient: rfc822;{to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: X-Notes; {why}"
        )
        text = f"Your message\n\n  Subject: Spring letter\n\nwas not delivered to:\n\n  {to}\n\nbecause:\n\n  {why}\n"
        yield Mail(
            "domino-dsn",
            name,
            report(head, text, fields, original(to, message_id)),
            "bounce",
            {to: kind},
            message_id,
        )


def _moderated_by_sieve() -> Iterator[Mail]:
    """RFC 5429: a Sieve script refuses by a receipt (RFC 8098)."""
    names = Names("dovecot")
    for name, kind, why in (
        ("quota", "mailbox_full", "Quota exceeded (mailbox for user is full)"),
        ("no such user", "hard", "User unknown"),
    ):
        to, message_id = names.address(), names.message_id()
        head = headers(
            "Mail Delivery Subsystem <postmaster@people.example>",
            "Automatically rejected mail",
            "Auto-Submitted: auto-replied (rejected)",
        )
        text = f"Your message to <{to}> was automatically rejected:\n{why}\n"
        fields = f"Reporting-UA: mx.people.example; Dovecot Mail Delivery Agent\nOriginal-Recipient: rfc822; {to}\nFinal-Recipient: rfc822; {to}\nOriginal-Message-ID: {message_id}\nDisposition: automatic-action/MDN-sent-automatically; deleted\n"
        parts = [
            ("Content-Type: text/plain; charset=utf-8", text),
            ("Content-Type: message/disposition-notification", fields),
            ("Content-Type: message/rfc822", original(to, message_id)),
        ]
        yield Mail(
            "dovecot",
            name,
            multipart(head, parts, kind="report; report-type=disposition-notification"),
            "bounce",
            {to: kind},
            message_id,
        )
