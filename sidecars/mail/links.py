"""A mail's links: numbered when the content is prepared, led through the tracking host when it is compiled.

In prepared HTML a link that may be tracked has its number in `data-link`, so the number that a
reader's click brings back never depends on counting again. Only HTML links are tracked: whoever reads
the text part judges a link by the address that stands there, and so do filters.
"""

from dataclasses import dataclass

from sidecars.mail.contexts import escape_url
from sidecars.mail.errors import ContentError
from sidecars.mail.markup import Tag, change_tags
from sidecars.mail.placeholders import Hidden, hide
from sidecars.mail.recipients import Recipient, contact_fields
from sidecars.mail.templating import TOKEN, check, parse, render
from sidecars.names import PATH_CLICK

_NUMBER = "data-link"
_OPT_OUT = "data-track"
_LINKS = frozenset({"a", "area"})
# Outlook's drawn buttons repeat a link that stands in the HTML beside them.
_OUTLOOK_LINKS = frozenset({"v:image", "v:oval", "v:rect", "v:roundrect", "v:shape"})
_TRACKED_SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class LinkTarget:
    """Where link `index` (from 0) of a mail leads; `url` may hold Liquid, which `target` fills in."""

    index: int
    url: str


def number(hidden: Hidden) -> tuple[Hidden, tuple[LinkTarget, ...]]:
    """The HTML with a number in each link that may be tracked, and their targets in the same order.

    Each place counts by itself, even where two lead to one address: the report tells the button from
    the logo. Not tracked: what has no http(s) address of its own, the way out, what a click cannot
    fill in again (a loop's item), and `data-track="off"`.
    """
    targets: list[LinkTarget] = []
    known: dict[str, int] = {}

    def number_link(tag: Tag) -> Tag:
        attributes = {name: value for name, value in tag.attributes.items() if name != _OPT_OUT}
        url = _href(hidden, tag)
        if tag.name in _LINKS and _OPT_OUT not in tag.attributes and _may_be_tracked(url):
            attributes[_NUMBER] = str(len(targets))
            known.setdefault(url, len(targets))
            targets.append(LinkTarget(len(targets), url))
        return tag._replace(attributes=attributes)

    def number_drawing(tag: Tag) -> Tag:
        index = known.get(_href(hidden, tag)) if tag.name in _OUTLOOK_LINKS else None
        return tag if index is None else tag._replace(attributes=tag.attributes | {_NUMBER: str(index)})

    text = change_tags(change_tags(hidden.text, number_link), number_drawing)
    return hidden.with_text(text), tuple(targets)


def _href(hidden: Hidden, tag: Tag) -> str:
    return hidden.with_text(tag.attributes.get("href", "")).reveal().strip()


def _may_be_tracked(url: str) -> bool:
    if not url.lower().startswith(_TRACKED_SCHEMES):
        return False
    try:
        fields = check(url, "body")
    except ContentError:
        return False
    return all(field == "broadcast.id" or field.startswith("contact.") for field in fields)


def track(html: str, tracking_url: str, clicks: bool) -> str:
    """The numbered HTML with its links led through the tracking host, or as they were if not `clicks`."""

    def lead(tag: Tag) -> Tag:
        index = tag.attributes.get(_NUMBER)
        if index is None:
            return tag
        attributes = {name: value for name, value in tag.attributes.items() if name != _NUMBER}
        if clicks:
            attributes["href"] = f"{tracking_url}{PATH_CLICK}/{{{{ {TOKEN} }}}}/{index}"
        return tag._replace(attributes=attributes)

    hidden = hide(html)
    return hidden.with_text(change_tags(hidden.text, lead)).reveal()


def target(url: str, recipient: Recipient, broadcast_id: int | None) -> str | None:
    """The address behind a tracked link for one recipient; None where it is no http(s) address after all."""
    if "{" in url:
        fields = {"contact": contact_fields(recipient), "broadcast": {"id": broadcast_id}}
        url = render(parse(escape_url(hide(url)), "link"), fields)
    return url if url.lower().startswith(_TRACKED_SCHEMES) else None
