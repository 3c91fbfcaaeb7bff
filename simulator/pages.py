"""Pages on which a person looks through the received mails.

Looking must not count as reading: the pixel is taken out and links lead nowhere. The mail's HTML is foreign,
so it is shown in a frame that may run nothing and load images from this machine only.
"""

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from aiohttp import web
from selectolax.lexbor import LexborHTMLParser

from simulator.letter import Letter
from simulator.store import Mail, Store

if TYPE_CHECKING:
    from simulator.app import Simulator

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'"
)
MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; font-src data:; "
    "img-src data: http://127.0.0.1:* http://localhost:*; base-uri 'none'; form-action 'none'"
)
VIEWS = ("html", "text", "headers", "source")
A_PAGE = 50

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_read_headers = BytesHeaderParser(policy=policy.default).parsebytes


def routes(simulator: "Simulator") -> list[web.RouteDef]:
    """The pages' paths."""
    pages = Pages(simulator)
    return [
        web.get("/", pages.inbox),
        web.get("/mails/{id}", pages.mail),
        web.get("/mails/{id}/html", pages.html),
    ]


def asked_for(store: Store, request: web.Request) -> Mail:
    """The mail named in the path. Raises 404."""
    name = request.match_info["id"]
    mail = store.get(int(name)) if name.isascii() and name.isdigit() else None
    if mail is None:
        raise web.HTTPNotFound(text=f"There is no mail {name}, or it is older than those kept.\n")
    return mail


def raw_of(store: Store, mail: Mail) -> bytes:
    """The mail's bytes. Raises 404."""
    raw = store.raw(mail)
    if raw is None:
        raise web.HTTPNotFound(text=f"Mail {mail.id} is older than those kept.\n")
    return raw


class Pages:
    """One method a page."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._store = simulator.store

    async def inbox(self, request: web.Request) -> web.Response:
        """The newest mails, those to an address or provider where asked for."""
        words, provider = request.query.get("q", "").strip(), request.query.get("provider", "")
        before = request.query.get("before", "")
        mails = self._store.search(
            words, provider or None, int(before) if before.isdecimal() else None, A_PAGE
        )
        rows = [(mail, _read_headers(self._store.raw(mail) or b"")) for mail in mails]
        return _page(
            "inbox.html",
            rows=rows,
            words=words,
            provider=provider,
            providers=[provider.name for provider in self._simulator.providers.all],
            counts=self._simulator.receipts.total(),
            pending=self._simulator.agenda.pending,
            older=mails[-1].id if len(mails) == A_PAGE else None,
        )

    async def mail(self, request: web.Request) -> web.Response:
        """One mail: as HTML, as text, its headers, or its source."""
        mail = asked_for(self._store, request)
        raw = raw_of(self._store, mail)
        message = message_from_bytes(raw, policy=policy.default)
        has_html = bool(Letter(raw).html)
        view = request.query.get("view", "html" if has_html else "text")
        return _page(
            "mail.html",
            mail=mail,
            message=message,
            headers=[(name, str(value)) for name, value in message.items()],
            text=_text(message),
            source=raw.decode("utf-8", "replace"),
            view=view if view in VIEWS else "text",
            views=[name for name in VIEWS if has_html or name != "html"],
        )

    async def html(self, request: web.Request) -> web.Response:
        """The HTML part, made harmless."""
        letter = Letter(raw_of(self._store, asked_for(self._store, request)))
        headers = {"Content-Security-Policy": MAIL_POLICY, "X-Content-Type-Options": "nosniff"}
        return web.Response(text=_harmless(letter), content_type="text/html", headers=headers)


def _harmless(letter: Letter) -> str:
    page = LexborHTMLParser(letter.html)
    for image in page.css("img"):
        if letter.pixel and image.attributes.get("src") == letter.pixel:
            image.decompose()
    for link in page.css("a[href]"):
        link.attrs["title"] = link.attributes["href"]
        del link.attrs["href"]
    return page.html or ""


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    return str(part.get_content()) if part else "This mail has no text part."


def _page(template: str, **values: object) -> web.Response:
    text = _templates.get_template(template).render(values)
    headers = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    return web.Response(text=text, content_type="text/html", headers=headers)
