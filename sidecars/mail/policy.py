"""What may stand in a mail's HTML: elements, attributes, addresses and CSS.

Script and everything that loads, embeds or submits is left out: mail clients remove it anyway, and
a preview shows the mail in the browser of whoever reviews it.
"""

import re

from sidecars.mail.escaping import SCHEMES
from sidecars.mail.placeholders import ANY_PLACEHOLDER

# fmt: off
TAGS = frozenset({
    "a", "abbr", "address", "area", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br",
    "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em",
    "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i",
    "img", "ins", "kbd", "li", "main", "map", "mark", "nav", "ol", "p", "pre", "q", "s", "samp", "section",
    "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
    "time", "tr", "tt", "u", "ul", "var", "wbr",
})
# Removed with all that they hold; of other unknown elements the text is kept.
REMOVED_WITH_CONTENT = frozenset({
    "applet", "audio", "button", "canvas", "datalist", "embed", "frame", "frameset", "head", "iframe",
    "math", "noembed", "noframes", "noscript", "object", "script", "select", "style", "svg", "template",
    "textarea", "title", "video",
})
ATTRIBUTES = frozenset({
    "abbr", "align", "alt", "background", "bgcolor", "border", "cellpadding", "cellspacing", "class",
    "color", "cols", "colspan", "coords", "data-track", "datetime", "dir", "face", "height", "href",
    "hspace", "id", "lang", "name", "nowrap", "rel", "reversed", "role", "rowspan", "rules", "scope",
    "shape", "size", "span", "src", "start", "style", "summary", "target", "title", "type", "usemap",
    "valign", "value", "vspace", "width",
})
# What Outlook reads inside its conditional comments, spelled as it wants it.
OUTLOOK_TAGS = {name.lower(): name for name in (
    "o:AllowPNG", "o:OfficeDocumentSettings", "o:p", "o:PixelsPerInch", "style", "v:background", "v:fill",
    "v:image", "v:imagedata", "v:oval", "v:rect", "v:roundrect", "v:shape", "v:stroke", "v:textbox",
    "w:anchorlock", "xml",
)}
OUTLOOK_ATTRIBUTES = frozenset({
    "arcsize", "aspect", "fill", "fillcolor", "inset", "o:button", "o:href", "o:hr", "origin", "position",
    "stroke", "strokecolor", "strokeweight", "xmlns:o", "xmlns:v", "xmlns:w",
})
# fmt: on
ARIA_PREFIX = "aria-"
URL_ATTRIBUTES = frozenset({"background", "href", "o:href", "src"})

_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f]+")
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_IMPORT = re.compile(r"@import\b[^;{}]*;?", re.IGNORECASE)
_CSS_MARKUP = re.compile(r"<[A-Za-z/!?]")
_CSS_ACTIVE = re.compile(
    r"expression\(|javascript:|vbscript:|(?<![\w-])behavior:|-moz-binding|@import|@charset|@namespace"
)


def attribute(name: str, value: str) -> str | None:
    """The value that attribute `name` may have; None where the attribute has to go."""
    if name in URL_ATTRIBUTES:
        return value if is_safe_url(value) else None
    if name == "style":
        return value if is_safe_css(value) else None
    if name == "target":
        return "_blank"
    if name == "data-track":
        return value if value == "off" else None
    return value


def is_safe_url(url: str) -> bool:
    """Whether a URL has one of SCHEMES or none at all, whatever its merge fields and conditions leave of it.

    A placeholder may become nothing, so unless what stands before the first has settled the scheme,
    each piece between two of them is looked at as if it began the URL. (A value never brings a scheme
    of another kind with it: `escaping.in_url`, `in_url_start`.)
    """
    pieces = ANY_PLACEHOLDER.split(_NOT_IN_URLS.sub("", url))
    settled = re.search(r"[:/?#]", pieces[0])
    return all(map(_may_begin_url, pieces[:1] if settled else pieces))


def _may_begin_url(piece: str) -> bool:
    before_colon, colon, _ = piece.partition(":")
    return not colon or before_colon.lower() in SCHEMES or bool(re.search(r"[/?#]", before_colon))


def is_safe_css(css: str) -> bool:
    """Whether CSS has nothing that runs, and nothing that would end the element or comment around it."""
    if _CSS_MARKUP.search(css):
        return False
    plain = _CSS_ESCAPE.sub(_unescape_css, _CSS_COMMENT.sub("", ANY_PLACEHOLDER.sub("", css))).lower()
    return not _CSS_ACTIVE.search(re.sub(r"\s+", "", plain))


def stylesheet(css: str) -> str:
    """The content that a style element may have, without imports; empty where it is not safe."""
    css = _CSS_IMPORT.sub("", css)
    return css if is_safe_css(css) else ""


def _unescape_css(found: re.Match[str]) -> str:
    if not found[1]:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if 0 < code < 0x110000 else ""
