"""Refuses a source whose depth would bring the native parsers down.

mrml and css-inline walk a document by recursion: some thousand open elements end the process, not
the call. And an HTML parser opens each unclosed `<b>` again in every paragraph that follows (HTML
Standard, "reconstruct the active formatting elements"), so that a small source can become huge.
"""

import re
from collections import Counter

from sidecars.mail.errors import ContentError, FieldError
from sidecars.mail.placeholders import ATTRIBUTES

MAX_OPEN = 200
MAX_OPEN_FORMATTING = 20

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
# In HTML a start tag of these ends the one before it, so they are never deeper than what they stand in.
_IMPLIED = frozenset({
    "caption", "colgroup", "dd", "dt", "li", "option", "p", "tbody", "td", "tfoot", "th", "thead", "tr",
})  # fmt: skip
_FORMATTING = frozenset({
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
})  # fmt: skip
_RAW = (
    r"<(?P<raw>style|script|title|textarea|xmp|iframe|noembed|noframes|noscript)\b(?P<text>.*?)"
    r"(?:</(?P=raw)|\Z)"
)
_TAG = rf"</(?P<end>[a-z][^\s/>]*+)|<(?P<start>[a-z][^\s/>]*+)(?P<attributes>{ATTRIBUTES})"
# MJML is read as XML, where a comment ends in one way only.
_COMMENTS = {"html": r"<!--(?:-?>|.*?(?:--!?>|\Z))", "mjml": r"<!--.*?(?:-->|\Z)"}
_TOKENS = {
    kind: re.compile(f"{comment}|{_RAW}|{_TAG}", re.DOTALL | re.IGNORECASE)
    for kind, comment in _COMMENTS.items()
}
_START = re.compile(r"<([a-z][^\s/>]*)", re.IGNORECASE)


def check_nesting(source: str, kind: str) -> None:
    """Raises ContentError for too many open elements in `source`, whose `kind` is `html` or `mjml`.

    Where parsers may differ the count is too high rather than too low: in an element whose content is
    text to most of them, start tags count and end tags do not.
    """
    closed_by_themselves = _VOID if kind == "mjml" else _VOID | _IMPLIED
    opened: Counter[str] = Counter()
    for token in _TOKENS[kind].finditer(source):
        if token["end"]:
            name = token["end"].lower()
            opened[name] = max(0, opened[name] - 1)
        elif token["raw"]:
            opened.update(name.lower() for name in _START.findall(token["text"]))
        elif token["start"] and not (kind == "mjml" and token["attributes"].endswith("/")):
            name = token["start"].lower()
            opened[name] += name not in closed_by_themselves
        if opened.total() > MAX_OPEN or sum(opened[name] for name in _FORMATTING) > MAX_OPEN_FORMATTING:
            line = source.count("\n", 0, token.start()) + 1
            raise ContentError(
                [FieldError("body", "Too many elements are open at once here; close those before it.", line)]
            )
