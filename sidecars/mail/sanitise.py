"""Makes any HTML document one that is safe to send and to show, in the form that `markup` reads.

The body goes through nh3. It knows fragments only, so the head is built anew from what a mail needs
of it: title, style sheets, a few meta elements. Outlook's conditional comments, which nh3 can only
keep or drop, are cleaned tag by tag: they open in one comment what they close in another.
"""

import html
import re
from collections.abc import Iterable
from html.parser import HTMLParser

import nh3

from sidecars.mail import policy
from sidecars.mail.escaping import SCHEMES
from sidecars.mail.markup import write_attributes
from sidecars.mail.placeholders import ANY_PLACEHOLDER, ATTRIBUTES

_Attributes = Iterable[tuple[str, str | None]]

_CLEANER = nh3.Cleaner(
    tags=policy.TAGS,
    clean_content_tags=policy.REMOVED_WITH_CONTENT,
    attributes={"*": policy.ATTRIBUTES},
    generic_attribute_prefixes={policy.ARIA_PREFIX},
    attribute_filter=lambda tag, name, value: policy.attribute(name, value),
    url_schemes=SCHEMES,
    strip_comments=False,
    link_rel=None,
)
_META_NAMES = frozenset({
    "color-scheme", "format-detection", "supported-color-schemes", "viewport",
    "x-apple-disable-message-reformatting",
})  # fmt: skip
_DOCUMENT_ATTRIBUTES = frozenset({"class", "dir", "lang", "style", "bgcolor", "id"})
# A tag as nh3 writes it: a value may hold what looks like a comment, but no quote.
_COMMENT_OR_TAG = re.compile(r"<!--(.*?)-->|<[^\">]*(?:\"[^\"]*\"[^\">]*)*>", re.DOTALL)
_CONDITION = r"\[if [\w .!|&()]+\]"
_HIDDEN_CONDITIONAL = re.compile(rf"({_CONDITION}>)(.*)<!\[endif\]", re.DOTALL)
_SHOWN_CONDITIONAL = re.compile(rf"{_CONDITION}><!|<!\[endif\]")
_TAG_OR_DECLARATION = re.compile(
    rf"</?[a-z][^\s/>]*+{ATTRIBUTES}(?P<end>>?)|<[!?][^<>]*+>?", re.DOTALL | re.IGNORECASE
)


def sanitise(document: str) -> str:
    """The document, cleaned. `document` is HTML as css-inline writes it, its Liquid hidden."""
    page = _Page(document)
    body = _COMMENT_OR_TAG.sub(_clean_comment, _CLEANER.clean(page.body))
    return (
        f"<!DOCTYPE html>\n<html{write_attributes(page.html_attributes)}>\n<head>\n"
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">\n'
        f"{''.join(page.head)}</head>\n<body{write_attributes(page.body_attributes)}>{body}</body>\n</html>\n"
    )


def _clean_comment(found: re.Match[str]) -> str:
    comment = found[1]
    if comment is None or ANY_PLACEHOLDER.fullmatch(comment):
        return found[0]
    return _conditional(comment)


def _conditional(comment: str) -> str:
    """A comment that is one of Outlook's, cleaned; empty for any other."""
    if _SHOWN_CONDITIONAL.fullmatch(comment):
        return f"<!--{comment}-->"
    hidden = _HIDDEN_CONDITIONAL.fullmatch(comment)
    return f"<!--{hidden[1]}{_OutlookMarkup(_whole_tags(hidden[2]))}<![endif]-->" if hidden else ""


def _whole_tags(content: str) -> str:
    """`content` without declarations, and with a tag that never ends as text.

    An html.parser older than the fix of CVE-2025-6069 takes time in the square of their number for tags
    that never end, and raises AssertionError for some declarations.
    """

    def whole(found: re.Match[str]) -> str:
        if found["end"] is None:
            return ""
        return found[0] if found["end"] else html.escape(found[0])

    return _TAG_OR_DECLARATION.sub(whole, content)


class _Page(HTMLParser):
    """Reads a document for what its head says, its outer elements' attributes, and where its body stands."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.head: list[str] = []
        self.html_attributes: dict[str, str] = {}
        self.body_attributes: dict[str, str] = {}
        self.body = document
        self._reading = ""
        self._in_body = False
        self._lines = [0]
        for line in document.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._reading = tag if tag in ("style", "title") else ""
        if tag == "html":
            self.html_attributes |= _outer_attributes(attrs)
        elif tag == "body" and not self._in_body:
            self._in_body = True
            self.body_attributes = _outer_attributes(attrs)
            line, column = self.getpos()
            start = self._lines[line - 1] + column + len(self.get_starttag_text() or "")
            self.body = self.rawdata[start : self.rawdata.rfind("</body>")]
        elif tag == "meta" and not self._in_body:
            self._meta(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        self._reading = ""

    def handle_data(self, data: str) -> None:
        if self._reading == "title" and not self._in_body:
            self.head.append(f"<title>{html.escape(data, quote=False)}</title>\n")
        elif self._reading == "style" and (css := policy.stylesheet(data).strip()):
            self.head.append(f'<style type="text/css">\n{css}\n</style>\n')

    def handle_comment(self, data: str) -> None:
        if not self._in_body and (conditional := _conditional(data)):
            self.head.append(f"{conditional}\n")

    def _meta(self, attributes: dict[str, str | None]) -> None:
        name, content = (attributes.get("name") or "").lower(), attributes.get("content") or ""
        if name in _META_NAMES:
            self.head.append(f"<meta{write_attributes({'name': name, 'content': content})}>\n")


class _OutlookMarkup(HTMLParser):
    """What a conditional comment may hold, written anew: `str()` of it holds no `-->`."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._dropping = ""
        self._reading_style = False
        self.feed(content)
        self.close()
        if self._reading_style:
            self._parts.append("</style>")

    def __str__(self) -> str:
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]], close: str = "") -> None:
        if tag in policy.REMOVED_WITH_CONTENT and tag not in ("style", "noscript"):
            self._dropping = self._dropping or tag
        elif not self._dropping and (name := _outlook_name(tag)):
            self._reading_style = tag == "style"
            self._parts.append(f"<{name}{write_attributes(_outlook_attributes(attrs))}{close}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in policy.REMOVED_WITH_CONTENT:
            self.handle_starttag(tag, attrs, "/")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._dropping:
            self._dropping = ""
        elif not self._dropping and (name := _outlook_name(tag)):
            self._reading_style = False
            self._parts.append(f"</{name}>")

    def handle_data(self, data: str) -> None:
        if self._dropping:
            return
        text = policy.stylesheet(data) if self._reading_style else html.escape(data, quote=False)
        self._parts.append(
            text.replace("--", "&#45;&#45;") if not self._reading_style else text.replace("--", "")
        )


def _outlook_name(tag: str) -> str:
    return tag if tag in policy.TAGS or tag == "noscript" else policy.OUTLOOK_TAGS.get(tag, "")


def _outlook_attributes(attrs: _Attributes) -> dict[str, str]:
    allowed = policy.ATTRIBUTES | policy.OUTLOOK_ATTRIBUTES
    return _safe_attributes((name, value) for name, value in attrs if name in allowed)


def _outer_attributes(attrs: _Attributes) -> dict[str, str]:
    return _safe_attributes(
        (name, value) for name, value in attrs if name in _DOCUMENT_ATTRIBUTES or name.startswith("xmlns")
    )


def _safe_attributes(attrs: _Attributes) -> dict[str, str]:
    kept = ((name, policy.attribute(name, value or "")) for name, value in attrs)
    return {name: value for name, value in kept if value is not None}
