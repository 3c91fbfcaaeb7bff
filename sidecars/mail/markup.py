"""HTML as the sanitiser writes it, taken apart by one pattern.

That form is narrow: each value in double quotes with none inside, no comment but the conditional
ones of Outlook. So a regular expression reads it exactly, which it never does with HTML from
elsewhere. Liquid must be hidden first (`placeholders`).
"""

import html
import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

TOKEN = re.compile(
    r"<!--\[if [^\]]*\]><!-->|<!--<!\[endif\]-->"
    r"|<!--\[if [^\]]*\]>(?P<comment>.*?)<!\[endif\]-->"
    r"|<style[^>]*>(?P<css>.*?)</style>"
    r"|<title>(?P<title>.*?)</title>"
    r"|<(?P<name>[a-zA-Z][^\s/>]*)(?P<attributes>(?:\s[^\s=>\"]+=\"[^\"]*\")*)\s?(?P<close>/?)>"
    r"|</[a-zA-Z][^>]*>|<!DOCTYPE[^>]*>",
    re.DOTALL,
)
ATTRIBUTE = re.compile(r"\s(?P<name>[^\s=>\"]+)=\"(?P<value>[^\"]*)\"")


class Tag(NamedTuple):
    """A start tag. Values of `attributes` are plain text, not HTML; `close` is `/` where it closes itself."""

    name: str
    attributes: dict[str, str]
    close: str = ""

    def __str__(self) -> str:
        return f"<{self.name}{write_attributes(self.attributes)}{self.close}>"


class Place(NamedTuple):
    """A part of a document that is not the text between its tags: `text[start:end]`."""

    kind: Literal["attribute", "comment", "css", "title"]
    name: str
    start: int
    end: int


def places(text: str) -> Iterator[Place]:
    """All attribute values, style sheets, titles and comments, in order; a comment before what it holds."""
    for token in TOKEN.finditer(text):
        if token["name"] is not None:
            offset = token.start("attributes")
            for found in ATTRIBUTE.finditer(token["attributes"]):
                yield Place(
                    "attribute", found["name"], offset + found.start("value"), offset + found.end("value")
                )
        elif token["css"] is not None:
            yield Place("css", "", *token.span("css"))
        elif token["title"] is not None:
            yield Place("title", "", *token.span("title"))
        elif token["comment"] is not None:
            start, end = token.span("comment")
            yield Place("comment", "", start, end)
            for place in places(token["comment"]):
                yield place._replace(start=place.start + start, end=place.end + start)


def change_tags(text: str, change: Callable[[Tag], Tag]) -> str:
    """`text` with each start tag as `change` gives it back, in Outlook's comments too."""

    def token(found: re.Match[str]) -> str:
        if found["comment"] is not None:
            start, end = found.span("comment")
            inside = change_tags(found["comment"], change)
            return found.string[found.start() : start] + inside + found.string[end : found.end()]
        if found["name"] is None:
            return found[0]
        tag = Tag(found["name"], read_attributes(found["attributes"]), found["close"])
        changed = change(tag)
        return found[0] if changed == tag else str(changed)

    return TOKEN.sub(token, text)


def write_attributes(attributes: dict[str, str]) -> str:
    """` name="value"` for each, escaped."""
    return "".join(f' {name}="{html.escape(value, quote=True)}"' for name, value in attributes.items())


def read_attributes(text: str) -> dict[str, str]:
    """The inverse of `write_attributes`."""
    return {found["name"]: html.unescape(found["value"]) for found in ATTRIBUTE.finditer(text)}
