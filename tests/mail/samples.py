"""Names in every script, addresses, hostile texts, and a mail to put them into."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sidecars.mail.compiled import CompiledMail, Composed, Sender, Tracking, compile_mail
from sidecars.mail.content import ContentSource, PreparedContent, prepare
from sidecars.mail.recipients import Recipient
from sidecars.mail.tokens import make_token

SECRET = "a secret of the tests, 32 or more"
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
MESSAGE_ID = UUID("0198f2a4-7c1e-7d3b-9a55-3f0c6f1b2e77")
TOKEN = make_token(MESSAGE_ID, SECRET)
TRACKING = Tracking("https://go.acme.example", opens=True, clicks=True)

NAMES = {
    "plain": "Maria Gonzalez",
    "accents": "Zoë Ångström-Ðorđević",
    "arabic": "عبد الرحمن الأحمد",
    "hebrew": "שָׁלוֹם אברהם",
    "devanagari": "प्रिया शर्मा",
    "chinese": "麗玲 姚",
    "japanese": "さくら 田中",
    "korean": "김민준",
    "cyrillic": "Леонтій Гузенко",
    "greek": "Ελένη Παπαδοπούλου",
    "thai": "สมชาย ใจดี",
    "emoji": "👩🏽‍🚀 Ada 🚀",
    "combining": "e\u0301\u0323 o\u0308",
    "right-to-left override": "abc\u202edef",
    "initials": "J. R. R. Tolkien",
    "quotes": 'Dwayne "The Rock" Johnson',
    "backslash": "a\\b",
    "comma": "Müller, Hans",
    "comment": "(none) <x@y.example>",
    "encoded word": "=?utf-8?q?x?=",
    "long": "Wolfeschlegelsteinhausenbergerdorff " * 8,
    "long without blanks": "x" * 300,
    "long in a script": "محمد " * 60,
}
HOSTILE = {
    "header": "x\r\nBcc: everyone@victim.example",
    "header by LF": "x\nBcc: everyone@victim.example",
    "header by CR": "x\rBcc: everyone@victim.example",
    "header by other line ends": "x\x0bBcc: y\x0cBcc: y\x85Bcc: y\u2028Bcc: y\u2029Bcc: y",
    "end of headers": "x\r\n\r\nbody",
    "end of mail": "x\r\n.\r\nMAIL FROM:<a@b.example>",
    "boundary": "\r\n--=_kibamail\r\nContent-Type: text/html\r\n\r\n<script>x</script>",
    "closing boundary": "\r\n--=_kibamail--\r\n",
    "quoted-printable": "=\r\n=0D=0A--=5Fkibamail=",
    "mailbox file": "\nFrom someone Thu Jan  1 00:00:00 1970\n.",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "comment": "--><script>alert(1)</script><!--",
    "style": "red}</style><script>alert(1)</script>",
    "url": "javascript:alert(1)",
    "liquid": "{{ contact.email }}{% if x %}",
    "controls": "a\x00b\x1bc\x7f",
    "empty": "",
    "blanks": "   \t ",
}


def content(body: str, subject: str = "Hello", **parts: str | None) -> PreparedContent:
    """HTML prepared as publishing does it; `parts` may be `preheader` and `text`."""
    return prepare(ContentSource("html", subject, parts.get("preheader") or "", body, parts.get("text")))


def compiled(prepared: PreparedContent, **changes: Any) -> CompiledMail:
    """A broadcast of Acme, all that can be tracked being tracked."""
    arguments = {
        "sender": Sender("Acme", "news@acme.example"),
        "stream": "broadcast",
        "broadcast_id": 7,
        "list_id": 3,
        "tracking": TRACKING,
        "return_path_domain": "kb.acme.example",
        "unsubscribe": True,
        "message_id_domain": "acme.example",
        "team_id": 12,
    }
    return compile_mail(prepared, **(arguments | changes))


def recipient(email: str = "maria@mail.example", **fields: Any) -> Recipient:
    """Maria, or who `fields` make of her."""
    return Recipient(MESSAGE_ID, 42, email, **fields)


def mail_to(mail: CompiledMail, reader: Recipient) -> tuple[Composed, bytes]:
    """The mail to one reader: composed, and as its bytes."""
    composed = mail.compose(reader, TOKEN, AT)
    return composed, mail.assemble(composed.values)
