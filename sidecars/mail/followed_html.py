"""HTML that somebody else wrote, with its links led over the tracking host and a pixel; all else stays.

The same rules as the edge's for mail submitted by SMTP (haraka/plugins/lib/tracked_mail.js): a link's target
stands in its own address, under a MAC.
"""

import html
import re
from html.parser import HTMLParser
from typing import NamedTuple
from uuid import UUID

from sidecars.mail.sealed_links import seal_link
from sidecars.names import PATH_CLICK, PATH_OPEN

# A link grows tenfold, for each recipient.
MOST_LINKS = 2000
_LINKS = ("a", "area")
_HREF = re.compile(r"(?<=[\s\"'/])href\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>\"']+)", re.IGNORECASE)
_PIXEL_STYLE = "display:block;width:1px;height:1px;border:0"


class _Change(NamedTuple):
    """`source[start:end]` is to become `text`."""

    start: int
    end: int
    text: str


class _Link(NamedTuple):
    start: int
    end: int
    url: str


def follow(
    source: str, url: str, secret: str, message_id: UUID, token: str, way_out: str, opens: bool, clicks: bool
) -> str:
    """The document for one mail. `way_out` is its List-Unsubscribe field: what that names is not followed."""
    reader = _Reader(source)
    changes = []
    links = [link for link in reader.links if not link.url.startswith(url) and link.url not in way_out]
    if clicks and len(links) <= MOST_LINKS:
        for index, link in enumerate(links):
            sealed = seal_link(message_id, index, link.url, secret)
            target = html.escape(f"{url}{PATH_CLICK}/{token}/{index}/{sealed}")
            changes.append(_Change(link.start, link.end, f'href="{target}"'))
    if opens:
        pixel = (
            f'{html.escape(url)}{PATH_OPEN}/{token}.gif" width="1" height="1" alt="" style="{_PIXEL_STYLE}">'
        )
        changes.append(_Change(reader.body_end, reader.body_end, f'<img src="{pixel}'))
    written: list[str] = []
    at = 0
    for change in sorted(changes):
        written += (source[at : change.start], change.text)
        at = change.end
    return "".join([*written, source[at:]])


class _Reader(HTMLParser):
    """Finds the places: the attributes that may be followed, and the end of the body."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[_Link] = []
        self.body_end = len(source)
        self._lines = [0, *(found.end() for found in re.finditer("\n", source))]
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(reversed(attrs))
        href = (attributes.get("href") or "").strip()
        if tag not in _LINKS or attributes.get("data-track") == "off":
            return
        found = _HREF.search(self.get_starttag_text() or "")
        if found and href.isascii() and href.lower().startswith(("http://", "https://")):
            start = self._position()
            self.links.append(_Link(start + found.start(), start + found.end(), href))

    def handle_endtag(self, tag: str) -> None:
        if tag == "body":
            self.body_end = self._position()

    def _position(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
