"""Where each merge field stands in a mail's HTML, and so how its value must be escaped."""

import re
from collections.abc import Iterator

from liquid.exceptions import LiquidError

from sidecars.mail.markup import Place, places
from sidecars.mail.placeholders import Hidden
from sidecars.mail.policy import URL_ATTRIBUTES
from sidecars.mail.templating import ENVIRONMENT

_OUTPUT = re.compile(r"\{\{(-?)(.*?)(-?)\}\}", re.DOTALL)


def escape_html(hidden: Hidden) -> str:
    """The document as a Liquid template whose every output ends in the filter that its place needs."""
    filters = dict(_special_filters(hidden))
    return hidden.reveal(lambda construct, index: _with_filter(construct, filters.get(index, "in_html")))


def escape_url(hidden: Hidden) -> str:
    """The same for a URL by itself."""
    filters = dict(_url_filters(hidden, 0, len(hidden.text)))
    return hidden.reveal(lambda construct, index: _with_filter(construct, filters[index]))


def _special_filters(hidden: Hidden) -> Iterator[tuple[int, str]]:
    for place in places(hidden.text):
        if place.kind == "attribute" and place.name in URL_ATTRIBUTES:
            for index, name in _url_filters(hidden, place.start, place.end):
                yield index, f"{name} | in_html"
        elif place.kind == "css" or place.name == "style":
            for found in hidden.pattern.finditer(hidden.text, place.start, place.end):
                yield found.start(), "in_css"


def _url_filters(hidden: Hidden, start: int, end: int) -> Iterator[tuple[int, str]]:
    for found in hidden.pattern.finditer(hidden.text, start, end):
        before = hidden.pattern.sub("", hidden.text[start : found.start()])
        yield found.start(), "in_url" if before else "in_url_start"


def _with_filter(construct: str, name: str) -> str:
    return _OUTPUT.sub(lambda output: f"{{{{{output[1]}{output[2]} | {name} {output[3]}}}}}", construct)


def straddling(hidden: Hidden) -> list[str]:
    """The first construct of each group of Liquid tags that opens in one place and closes in another.

    A condition that began in one attribute and ended in the next would take the quotes between them
    away, and with them all that makes the HTML safe.
    """
    return [group[0] for group in _groups(hidden) if not _is_complete(group)]


def _groups(hidden: Hidden) -> Iterator[list[str]]:
    """The constructs of each attribute value, style sheet, title and comment, and of the text around them."""
    text = hidden.text
    inside_out = sorted(places(text), key=lambda place: place.kind == "comment")
    for place in inside_out:
        yield hidden.found_in(text[place.start : place.end])
        text = _blank(text, place)
    yield hidden.found_in(text)


def _blank(text: str, place: Place) -> str:
    return text[: place.start] + " " * (place.end - place.start) + text[place.end :]


def _is_complete(constructs: list[str]) -> bool:
    try:
        ENVIRONMENT.from_string("".join(constructs))
    except LiquidError:
        return False
    return True
