"""The text part of a mail whose author wrote none: its HTML, read from top to bottom.

Liquid is kept where it stands. Addresses stay as they are (see `links`), in angle brackets, which
RFC 3986 (appendix C) recommends for URLs in text.
"""

import re
from html.parser import HTMLParser

from sidecars.mail.contexts import escape_url
from sidecars.mail.placeholders import Hidden

_VOID = frozenset({"area", "br", "col", "hr", "img", "meta", "wbr"})
_SKIPPED = frozenset({"head", "style", "title"})
_PARAGRAPHS = frozenset({
    "blockquote", "dl", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "ol", "p",
    "pre", "section", "table", "ul",
})  # fmt: skip
_LINES = frozenset({"address", "article", "dd", "div", "dt", "figcaption", "li", "main", "nav", "tr"})
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
# A Liquid tag on a line of its own takes the line ends before it away, or it would leave a gap.
_TAG_ALONE = re.compile(r"\A\{%-?((?:(?!%\}).)*%\})\Z")
# Stands for a line's end while blanks within lines are still to be folded.
_BREAK = "\0"


def plain_text(hidden: Hidden) -> str:
    """Text of an HTML document that the sanitiser wrote, as a Liquid template; ends in a newline."""
    reader = _Reader(hidden)
    reader.feed(hidden.text)
    reader.close()
    lines = (re.sub(r"[ \t\r\n]+", " ", line).strip() for line in "".join(reader.parts).split(_BREAK))
    return "\n".join(_TAG_ALONE.sub(r"{%-\1", line) for line in lines).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self, hidden: Hidden) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = hidden
        self._skipping = 0
        self._breaks = 2
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if self._skipping or tag in _SKIPPED or _HIDDEN_STYLE.search(attributes.get("style", "")):
            self._skipping += tag not in _VOID
            return
        self._break(tag)
        if tag == "a":
            self._links.append((attributes.get("href", ""), len(self.parts)))
        elif tag == "li":
            self._add("- ")
            self._breaks = 2
        elif tag == "hr":
            self._add("-" * 20)
            self._break(tag)
        elif tag == "img":
            self._add(attributes.get("alt", ""))

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in ("td", "th"):
            self.parts.append(" ")
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self._add(data)

    def handle_comment(self, data: str) -> None:
        if not self._skipping and self._hidden.pattern.fullmatch(data):
            self._add(data)

    def _add(self, text: str) -> None:
        self.parts.append(self._hidden.with_text(text.replace(_BREAK, "")).reveal())
        if text.strip():
            self._breaks = 0

    def _break(self, tag: str) -> None:
        wanted = 2 if tag in _PARAGRAPHS else 1 if tag in _LINES else 0
        missing = 1 if tag == "br" else max(0, wanted - self._breaks)
        self.parts.append(_BREAK * missing)
        self._breaks += missing

    def _end_link(self, href: str, start: int) -> None:
        url = escape_url(self._hidden.with_text(href))
        text = "".join(self.parts[start:]).strip(_BREAK + " \n\t")
        if href and not href.startswith("#") and text not in (href, url.removeprefix("mailto:")):
            self.parts.append(f" <{url}>" if text else f"<{url}>")
