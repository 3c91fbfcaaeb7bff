"""What composing the demo's newsletter costs a mail, in CPU microseconds, three ways in one run.

    python -m bench.compose [--mails 10000]

All three start from the same prepared content and the same contacts, and each ends in a whole mail:
- ours: chunks compiled once, `compose` and `assemble` for each contact, its token included;
- python-liquid renders subject, text and HTML as wholes, and the same quoted-printable, headers and
  token are put around the result;
- the standard library's `email.message` builds the mail from what Liquid rendered.
"""

import argparse
import csv
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from itertools import cycle, islice
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.table import Table

from sidecars.mail import headers, quoted_printable
from sidecars.mail.compiled import CompiledMail, Sender, Tracking, compile_mail
from sidecars.mail.content import ContentSource, PreparedContent, prepare
from sidecars.mail.document import html_template, with_page_urls
from sidecars.mail.recipients import Recipient, contact_fields
from sidecars.mail.templating import NOW, PAGE, TOKEN, parse
from sidecars.mail.tokens import make_token

DEMO = Path(__file__).resolve().parents[1] / "demo"
SECRET = "a secret of this measurement, of 32 or more"  # noqa: S105
TRACKING = Tracking("https://go.thekettle.example", opens=True, clicks=True)
SENDER = Sender("The Kettle", "hello@news.thekettle.example")
RETURN_PATH = "kb.news.thekettle.example"
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

ROUNDS = 5

Compose = Callable[[Recipient], bytes]


def contacts(count: int) -> list[Recipient]:
    """The first contacts of demo/contacts.csv, again from the top if they do not reach."""
    with (DEMO / "contacts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Recipient(
            UUID(int=number),
            number,
            row["email"],
            properties={"city": row["city"], "plan": row["plan"]},
            first_name=row["first_name"],
            last_name=row["last_name"],
        )
        for number, row in enumerate(islice(cycle(rows), count), start=1)
    ]


def newsletter() -> PreparedContent:
    """The demo's newsletter, ready to compile."""
    body = (DEMO / "newsletter.mjml").read_text("utf-8")
    subject = "{{ contact.first_name | default: 'Friends' }}, the kettle is on"
    preheader = "Three teas, one recipe, and a letter from the hills."
    return prepare(ContentSource("mjml", subject, preheader, body))


def by_chunks(compiled: CompiledMail) -> Compose:
    """The way of this project."""

    def compose(recipient: Recipient) -> bytes:
        token = make_token(recipient.message_id, SECRET)
        return compiled.assemble(compiled.compose(recipient, token, AT).values)

    return compose


def _by_whole_templates(prepared: PreparedContent) -> Callable[[Recipient], tuple[str, str, str, str]]:
    subject = parse(prepared.subject, "subject")
    text = parse(with_page_urls(prepared.text, TRACKING.url), "text")
    html = parse(html_template(prepared.html, prepared.preheader, TRACKING), "body")

    def render(recipient: Recipient) -> tuple[str, str, str, str]:
        token = make_token(recipient.message_id, SECRET)
        fields = {"contact": contact_fields(recipient), TOKEN: token, PAGE: token, NOW: AT}
        return token, subject.render(fields), text.render(fields), html.render(fields)

    return render


def by_liquid(prepared: PreparedContent) -> Compose:
    """python-liquid on the whole, the result encoded as quickly as this project can."""
    render = _by_whole_templates(prepared)

    def compose(recipient: Recipient) -> bytes:
        token, subject, text, html = render(recipient)
        head = "\r\n".join(f"{name}: {value}" for name, value in _fields(recipient, token, subject))
        boundary = quoted_printable.BOUNDARY
        parts = [head, f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n']
        for subtype, content in (("plain", text), ("html", html)):
            parts += [
                f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable\r\n",
                quoted_printable.encode(content).decode("ascii"),
            ]
        return "\r\n".join([*parts, f"--{boundary}--\r\n"]).encode()

    return compose


def by_standard_library(prepared: PreparedContent) -> Compose:
    """`email.message`, from what python-liquid rendered."""
    render = _by_whole_templates(prepared)

    def compose(recipient: Recipient) -> bytes:
        token, subject, text, html = render(recipient)
        message = EmailMessage(policy=policy.SMTP)
        name, _, domain = recipient.email.rpartition("@")
        message["From"] = Address(SENDER.name, *SENDER.address.split("@"))
        message["To"] = Address(recipient.display_name, name, domain)
        message["Subject"] = subject
        for field, value in _fields(recipient, token, subject):
            if field not in ("From", "To", "Subject"):
                message[field] = value
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        return message.as_bytes()

    return compose


def _fields(recipient: Recipient, token: str, subject: str) -> list[tuple[str, str]]:
    page = f"{TRACKING.url}/u/{token}"
    return [
        ("From", headers.mailbox(SENDER.name, SENDER.address, 6)),
        ("To", headers.mailbox(recipient.display_name, recipient.email, 4)),
        ("Subject", headers.unstructured(subject, 9)),
        ("Date", headers.date(AT).decode("ascii")),
        ("Message-ID", f"<{recipient.message_id}@news.thekettle.example>"),
        ("List-Unsubscribe", f"<{page}>, <mailto:u-{token}@{RETURN_PATH}?subject=unsubscribe>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]


def cpu_microseconds(compose: Compose, recipients: list[Recipient]) -> tuple[float, float]:
    """This process's CPU time a mail, the least of ROUNDS rounds, and the mean size of a mail in KB."""
    rounds, octets = [], 0
    for _ in range(ROUNDS):
        started = time.process_time()
        octets = sum(len(compose(recipient)) for recipient in recipients)
        rounds.append(time.process_time() - started)
    return min(rounds) / len(recipients) * 1e6, octets / len(recipients) / 1000


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mails", type=int, default=10_000, help="mails a round of the fastest way")
    mails = parser.parse_args().mails
    prepared = newsletter()
    compiled = compile_mail(
        prepared, SENDER, "broadcast", 1, 1, TRACKING, RETURN_PATH, True, "news.thekettle.example", 1
    )
    ways: list[tuple[str, Compose, int]] = [
        ("chunks and values (this project)", by_chunks(compiled), mails),
        ("python-liquid on the whole", by_liquid(prepared), mails // 10),
        ("python-liquid and email.message", by_standard_library(prepared), mails // 100),
    ]
    table = Table("Way", "mails", "KB a mail", "CPU µs a mail", "times ours")
    ours = 0.0
    for name, compose, count in ways:
        recipients = contacts(count)
        cost, size = cpu_microseconds(compose, recipients)
        ours = ours or cost
        table.add_row(name, f"{count:,}", f"{size:.1f}", f"{cost:,.1f}", f"{cost / ours:,.1f}")
    Console().print(table)
    values = sum(map(len, compiled.compose(contacts(1)[0], make_token(UUID(int=1), SECRET), AT).values))
    shared = sum(map(len, compiled.shared))
    chunks = len(compiled.shared)
    print(
        f"Shared once a batch: {shared:,} bytes in {chunks} chunks; one mail's own values: {values:,} bytes."
    )


if __name__ == "__main__":
    main()
