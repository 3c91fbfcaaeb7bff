"""What a value must become for the place in which it stands.

Each function is a Liquid filter too: the composer writes `{{ x | in_html }}` for the author's
`{{ x }}`, so a value is escaped by where it stands and an author can neither forget nor undo it.
"""

import html
import re
from collections.abc import Callable
from urllib.parse import quote

from liquid.stringify import to_liquid_string

SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms"})
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
_OUTSIDE_CSS_VALUES = re.compile(r"[^A-Za-z0-9#%.,_/ -]+")
_URL_PUNCTUATION = "/?#[]@!$&'()*+,;=%"


def as_text(value: object) -> str:
    """The value as Liquid writes it: nothing for nil, `true` and `false` in lower case."""
    return value if isinstance(value, str) else to_liquid_string(value, autoescape=False)


def in_html(value: object) -> str:
    """Between tags and inside a quoted attribute."""
    return html.escape(as_text(value), quote=True)


def in_url(value: object) -> str:
    """Within a URL: percent-encoded, all but the unreserved characters (RFC 3986 §2.3)."""
    return quote(as_text(value), safe="", errors="replace")


def in_url_start(value: object) -> str:
    """A URL's beginning, or the whole: a URL of one of SCHEMES, or without a scheme; empty for any other."""
    text = as_text(value).strip()
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() not in SCHEMES:
        return ""
    punctuation = _URL_PUNCTUATION + ":" if scheme else _URL_PUNCTUATION
    return quote(text, safe=punctuation, errors="replace")


def in_css(value: object) -> str:
    """A colour, a size, a word: whatever could end a declaration or call a function is left out."""
    return _OUTSIDE_CSS_VALUES.sub("", as_text(value))


ESCAPES: dict[str, Callable[[object], str]] = {
    escape.__name__: escape for escape in (in_html, in_url, in_url_start, in_css)
}
