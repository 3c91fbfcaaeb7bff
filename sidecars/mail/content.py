"""From what an author wrote to what a broadcast can be compiled from. Slow, once when it is published.

MJML becomes HTML, style sheets go into the elements, everything unsafe goes out, links get their
numbers, and a text part is made where there is none. Merge fields pass through all of it untouched.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import css_inline
import mrml

from sidecars.mail import links
from sidecars.mail.contexts import straddling
from sidecars.mail.errors import ContentError, FieldError, Unsendable
from sidecars.mail.links import LinkTarget
from sidecars.mail.nesting import check_nesting
from sidecars.mail.placeholders import Hidden, hide_from_tools, plain_liquid
from sidecars.mail.plaintext import plain_text
from sidecars.mail.sanitise import sanitise
from sidecars.mail.templating import NOW, check, check_form, parse, render

__all__ = ["ContentError", "ContentSource", "FieldError", "LinkTarget", "PreparedContent", "prepare"]

# Gmail clips a mail's HTML at 102 KiB; a source of this size is no longer a mail.
MAX_BODY_CHARACTERS = 256 * 1024
MAX_LINE_CHARACTERS = 998

_INLINER = css_inline.CSSInliner(
    keep_at_rules=True,
    remove_inlined_selectors=True,
    load_remote_stylesheets=False,
)


def _mrml_to_html(mjml: str) -> str:
    # No fonts: mrml would link Google's style sheets, which the sanitiser removes anyway.
    return str(mrml.to_html(mjml, None, mrml.RenderOptions(fonts={})).content)


# What mrml puts into every head. In each element it would add a quarter to a mail.
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_MRML_STYLE = _STYLE.findall(_mrml_to_html("<mjml><mj-body></mj-body></mjml>"))[0]
_MRML_POSITION = re.compile(r"(.*?) in root template(?: at position (\d+):\d+)?")
_DOCUMENT = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_STYLE_WITH_MEDIA = re.compile(
    r"<style\b[^<>]*\bmedia\s*=\s*([\"'])(?P<media>[^\"'<>{}]*)\1[^<>]*>(?P<css>.*?)(?:</style|\Z)",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True)
class ContentSource:
    """What an author wrote. Each part may hold Liquid; without `text` the text part is made from the HTML."""

    kind: Literal["mjml", "html"]
    subject: str
    preheader: str
    body: str
    text: str | None = None


@dataclass(frozen=True)
class PreparedContent:
    """What publishing freezes: templates in Liquid, `html` a whole, safe document with its links numbered.

    `fields` names the merge fields used, such as `contact.properties.city` and `unsubscribe_url`.
    """

    subject: str
    preheader: str
    html: str
    text: str
    links: tuple[LinkTarget, ...] = ()
    fields: frozenset[str] = frozenset()


def prepare(source: ContentSource) -> PreparedContent:
    """Makes a broadcast's content ready to compile. Raises ContentError with what its author must mend."""
    body = _plain_body(source.body)
    parts = {
        "subject": source.subject,
        "preheader": source.preheader,
        "body": body,
        "text": source.text or "",
    }
    fields = _check_parts(parts)
    hidden = hide_from_tools(body)
    html, targets = links.number(_to_safe_html(hidden, source.kind))
    prepared = PreparedContent(
        subject=_one_line(source.subject),
        preheader=_one_line(source.preheader),
        html=html.reveal(),
        text=source.text if source.text and source.text.strip() else plain_text(html),
        links=targets,
        fields=fields,
    )
    _try_to_render({**parts, "body": prepared.html})
    return prepared


def _plain_body(body: str) -> str:
    """The body without Liquid's comments; as it is where it is to be refused anyway."""
    try:
        _check_size(body, "body")
        check_form(body, "body")
    except ContentError:
        return body
    return plain_liquid(body)


def _check_parts(parts: dict[str, str]) -> frozenset[str]:
    errors: list[FieldError] = []
    fields: set[str] = set()
    for field, text in parts.items():
        try:
            _check_size(text, field)
            fields |= check(text, field)
        except ContentError as error:
            errors += error.errors
    if errors:
        raise ContentError(errors)
    return frozenset(fields)


def _check_size(text: str, field: str) -> None:
    limit = MAX_BODY_CHARACTERS if field in ("body", "text") else MAX_LINE_CHARACTERS
    if field in ("subject", "body") and not text.strip():
        raise ContentError([FieldError(field, f"Write a {field}.")])
    if len(text) > limit:
        raise ContentError([FieldError(field, f"At most {limit:,} characters; these are {len(text):,}.")])


def _to_safe_html(hidden: Hidden, kind: Literal["mjml", "html"]) -> Hidden:
    check_nesting(hidden.text, kind)
    html = _from_mjml(hidden) if kind == "mjml" else _whole_document(hidden.text)
    check_nesting(html, "html")
    html = _STYLE_WITH_MEDIA.sub(r"<style>@media \g<media> {\g<css>}</style", html)
    with _panics_as_errors("HTML"):
        try:
            safe = hidden.with_text(sanitise(_INLINER.inline(html)))
        except css_inline.InlineError as error:
            raise ContentError([FieldError("body", f"CSS: {error}.")]) from error
    _check_tags(hidden, safe)
    return safe


@contextmanager
def _panics_as_errors(language: str) -> Iterator[None]:
    """A panic in a Rust library comes as a BaseException of a type that no module exports."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        message = f"{language}: this cannot be read. Look for a tag or comment that is not finished."
        raise ContentError([FieldError("body", message)]) from error


def _whole_document(html: str) -> str:
    """A comment that begins a fragment would come before its document, and be lost."""
    return html if _DOCUMENT.search(html) else f"<!DOCTYPE html><html><head></head><body>{html}</body></html>"


def _from_mjml(hidden: Hidden) -> str:
    try:
        with _panics_as_errors("MJML"):
            html = _mrml_to_html(hidden.text)
    except OSError as error:
        found = _MRML_POSITION.match(str(error))
        message, position = (found[1], found[2]) if found else (str(error), None)
        before = hidden.text.encode("utf-8")[: int(position or 0)].decode("utf-8", "ignore")
        line = _lines(hidden, before) if position else None
        raise ContentError([FieldError("body", f"MJML: {message}.", line)]) from error
    return html.replace(_MRML_STYLE, _MRML_STYLE.replace("<style", '<style data-css-inline="ignore"'), 1)


def _check_tags(source: Hidden, result: Hidden) -> None:
    """Refuses Liquid tags that the way to HTML lost, moved, or left around half of something."""
    wanted, found = (Counter(_tags(hidden.found_in(hidden.text))) for hidden in (source, result))
    lost = [construct for construct in _tags(source.constructs) if wanted[construct] != found[construct]]
    if lost or (lost := straddling(result)):
        message = (
            f"Liquid: {lost[0]} stands where it cannot be kept. Put it and its end between elements, "
            "or both inside the value of one attribute."
        )
        first = next(
            found for found in source.pattern.finditer(source.text) if source.found_in(found[0]) == lost[:1]
        )
        raise ContentError([FieldError("body", message, _lines(source, source.text[: first.start()]))])


def _lines(hidden: Hidden, text: str) -> int:
    """The number of lines of `text`, a beginning of the hidden text, as its author counts them."""
    return hidden.with_text(text).reveal().count("\n") + 1


def _tags(constructs: Iterable[str]) -> list[str]:
    return [construct for construct in constructs if construct.startswith("{%")]


def _try_to_render(parts: dict[str, str]) -> None:
    """Finds what only rendering shows, such as a filter's wrong arguments, with no field filled in."""
    errors = []
    for field, text in parts.items():
        try:
            render(parse(text, field), {NOW: datetime(2000, 1, 1, tzinfo=UTC)})
        except Unsendable as error:
            errors.append(FieldError(field, str(error)))
    if errors:
        raise ContentError(errors)


def _one_line(text: str) -> str:
    return " ".join(text.split())
