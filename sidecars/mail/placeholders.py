"""Keeps Liquid out of sight while the tools that read MJML, CSS and HTML work on what is around it.

Each construct becomes a word that all of them carry through unchanged: `_kq12_` is a name in CSS,
text in HTML, and no URL scheme. A tag that stands between elements becomes a comment, since text in
a table is moved out of it (HTML Standard, "foster parenting") and a comment is not.
"""

import html
import re
from collections.abc import Callable
from typing import NamedTuple

from sidecars.mail.templating import CONSTRUCT

# Whatever prefix `hide` chose.
ANY_PLACEHOLDER = re.compile(r"_kq+\d+_")

_COMMENT = re.compile(r"\{%-?\s*(?:#.*?|comment\b.*?%\}.*?\{%-?\s*endcomment\s*-?)%\}", re.DOTALL)
# Attributes as the HTML Standard tokenises them (13.2.5.32 and after), in one go and without a second try.
ATTRIBUTES = r"(?:[\s/]++|=?[^\s/>=]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\s>]++))?+)*+"
_NOT_BETWEEN_ELEMENTS = re.compile(
    r"<!--.*?(?:-->|\Z)|<(mj-style|mj-title|mj-preview|style|title)\b.*?(?:</\1\s*>|\Z)"
    rf"|</?[A-Za-z][^\s/>]*+{ATTRIBUTES}>?",
    re.DOTALL | re.IGNORECASE,
)


class Hidden(NamedTuple):
    """A text without its Liquid: `text` holds `prefix`, a number and `_` for the construct of that number."""

    text: str
    constructs: tuple[str, ...]
    prefix: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds a placeholder; group 1 or 2 is its number."""
        return re.compile(rf"<!--{self.prefix}(\d+)_-->|{self.prefix}(\d+)_")

    def with_text(self, text: str) -> "Hidden":
        """The same constructs in another text."""
        return self._replace(text=text)

    def found_in(self, text: str) -> list[str]:
        """The constructs whose placeholders stand in `text`, in order."""
        return [self.constructs[_number(found)] for found in self.pattern.finditer(text)]

    def reveal(self, change: Callable[[str, int], str] = lambda construct, position: construct) -> str:
        """The text with its Liquid again, each construct as `change` rewrites it, given its index there."""
        return self.pattern.sub(
            lambda found: change(self.constructs[_number(found)], found.start()), self.text
        )


def hide(source: str) -> Hidden:
    """Hides the Liquid of HTML that the sanitiser has written."""
    prefix = "_kq"
    while prefix in source.lower():
        prefix += "q"
    constructs: list[str] = []

    def construct(found: re.Match[str]) -> str:
        constructs.append(found[0])
        return f"{prefix}{len(constructs) - 1}_"

    text = CONSTRUCT.sub(construct, source)
    return Hidden(text, tuple(constructs), prefix)


def plain_liquid(source: str) -> str:
    """What an author wrote, on the same lines, without Liquid's comments and with its quotes as characters.

    Editors write `&quot;` for the quotes of a construct that stands in their HTML.
    """
    without_comments = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source)
    return CONSTRUCT.sub(lambda found: html.unescape(found[0]), without_comments)


def hide_from_tools(source: str) -> Hidden:
    """Hides the Liquid of HTML or MJML that `plain_liquid` has seen to."""
    hidden = hide(source)
    pieces, end = [], 0
    for found in _NOT_BETWEEN_ELEMENTS.finditer(hidden.text):
        pieces += [_tags_as_comments(hidden, hidden.text[end : found.start()]), found[0]]
        end = found.end()
    pieces.append(_tags_as_comments(hidden, hidden.text[end:]))
    return hidden.with_text("".join(pieces))


def _tags_as_comments(hidden: Hidden, text: str) -> str:
    def comment(found: re.Match[str]) -> str:
        is_tag = hidden.constructs[_number(found)].startswith("{%")
        return f"<!--{found[0]}-->" if is_tag else found[0]

    return hidden.pattern.sub(comment, text)


def _number(found: re.Match[str]) -> int:
    return int(found[1] or found[2])
