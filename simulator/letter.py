"""What a reader finds in a mail: pixel, links, ways to unsubscribe. Pure."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from functools import cached_property
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from sidecars import names

_BASE32_40 = "[A-Za-z2-7]{40}"
_OPEN = re.compile(rf"{names.PATH_OPEN}/{_BASE32_40}(\.gif)?$")
_CLICK = re.compile(rf"{names.PATH_CLICK}/{_BASE32_40}/(\d+)$")
_UNSUBSCRIBE = re.compile(rf"{names.PATH_UNSUBSCRIBE}/{_BASE32_40}(\.[A-Za-z0-9-]+)?$")


@dataclass(frozen=True)
class Link:
    """A tracked link; `index` is its number in the broadcast."""

    url: str
    index: int


class Letter:
    """One mail, parsed when first asked."""

    def __init__(self, raw: bytes) -> None:
        self._message: Message = message_from_bytes(raw)

    @cached_property
    def html(self) -> str:
        """The HTML part, decoded; empty where there is none."""
        for part in self._message.walk():
            if part.get_content_type() == "text/html":
                content = part.get_payload(decode=True)
                if isinstance(content, bytes):
                    return _decoded(content, part.get_content_charset("utf-8"))
        return ""

    @cached_property
    def pixel(self) -> str | None:
        """The address of the open pixel."""
        sources = (node.attributes.get("src") or "" for node in self._dom.css("img"))
        return next((source for source in sources if _OPEN.search(urlsplit(source).path)), None)

    @cached_property
    def links(self) -> list[Link]:
        """Tracked links in the order in which they stand; a link that stands twice is there twice."""
        found = ((href, _CLICK.search(urlsplit(href).path)) for href in self._hrefs)
        return [Link(href, int(match[1])) for href, match in found if match]

    @cached_property
    def unsubscribe_page(self) -> str | None:
        """The unsubscribe link in the text of the mail."""
        return next((href for href in self._hrefs if _UNSUBSCRIBE.search(urlsplit(href).path)), None)

    @cached_property
    def one_click(self) -> str | None:
        """The address that takes a one-click POST: RFC 8058 3.1 asks for both headers."""
        post = self._message.get("List-Unsubscribe-Post", "")
        if "".join(post.split()).lower() != "list-unsubscribe=one-click":
            return None
        return next((uri for uri in self._list_unsubscribe if uri.startswith(("https:", "http:"))), None)

    @cached_property
    def mailto(self) -> tuple[str, str] | None:
        """Address and subject of the mail that unsubscribes (RFC 2369 3.2, RFC 6068)."""
        for uri in self._list_unsubscribe:
            if uri.startswith("mailto:"):
                address, _, query = uri.removeprefix("mailto:").partition("?")
                return unquote(address), parse_qs(query).get("subject", ["unsubscribe"])[0]
        return None

    @cached_property
    def _list_unsubscribe(self) -> list[str]:
        header = "".join(self._message.get("List-Unsubscribe", "").split())
        return re.findall("<([^>]+)>", header)

    @cached_property
    def _hrefs(self) -> list[str]:
        return [node.attributes.get("href") or "" for node in self._dom.css("a[href]")]

    @cached_property
    def _dom(self) -> LexborHTMLParser:
        return LexborHTMLParser(self.html)


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def post_form(page: bytes, url: str) -> tuple[str, dict[str, str]] | None:
    """Address and fields of the first form of a page that is sent by POST, as a press of its button would."""
    for form in LexborHTMLParser(page.decode("utf-8", "replace")).css("form"):
        if (form.attributes.get("method") or "get").lower() == "post":
            inputs = (field.attributes for field in form.css("input[name], button[name]"))
            fields = {field["name"] or "": field.get("value") or "" for field in inputs}
            return urljoin(url, form.attributes.get("action") or ""), fields
    return None
