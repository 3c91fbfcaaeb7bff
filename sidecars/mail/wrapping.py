"""A template's body in its layout: the layout's `{{ content }}` is where the body goes."""

import re
from dataclasses import replace

from sidecars.mail.content import ContentSource
from sidecars.mail.errors import ContentError, FieldError

PLACE = re.compile(r"\{\{-?\s*content\s*-?\}\}")


def check_place(layout: str) -> None:
    """Raises ContentError unless the layout has one place for the content."""
    number = len(PLACE.findall(layout))
    if number != 1:
        found = f"it has {number}" if number else "it has none"
        message = f"A layout says once where the content goes, by {{{{ content }}}}; {found}."
        raise ContentError([FieldError("body", message)])


def in_layout(source: ContentSource, layout: str) -> ContentSource:
    """The source with its body put into the layout, which is of the same kind."""
    return replace(source, body=PLACE.sub(lambda _: source.body, layout, count=1))


def told_apart(error: ContentError, body: str, layout: str) -> ContentError:
    """The error of a body in its layout, by the lines of the one or the other: field `body` or `layout`."""
    first = PLACE.split(layout, maxsplit=1)[0].count("\n") + 1
    last = first + body.count("\n")

    def apart(each: FieldError) -> FieldError:
        if each.field != "body" or each.line is None:
            return each
        if first <= each.line <= last:
            return FieldError("body", each.message, each.line - first + 1)
        before = each.line < first
        return FieldError("layout", each.message, each.line if before else each.line - (last - first))

    return ContentError([apart(each) for each in error.errors])
