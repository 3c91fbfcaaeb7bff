"""Liquid, as far as a mail may use it.

No include, no raw HTML, no loop without end: a template is written by a customer and rendered on
our machines, once for each recipient. What is left is `if`, `unless`, `case`, `for`, `assign`,
`capture` and comments, and the filters of `FILTERS`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext
from liquid.builtin.filters.misc import date as liquid_date
from liquid.exceptions import FilterValueError, LiquidError, LoopIterationLimitError
from liquid.filter import with_context
from liquid.static_analysis import Variable

from sidecars.mail import escaping
from sidecars.mail.errors import ContentError, FieldError, Unsendable

BLOCKS = frozenset({"if", "unless", "case", "for", "capture", "comment"})
TAGS = BLOCKS | {"break", "continue", "assign", "#"}
# fmt: off
FILTERS = frozenset({
    "abs", "append", "at_least", "at_most", "capitalize", "ceil", "compact", "concat", "default",
    "divided_by", "downcase", "first", "floor", "join", "last", "lstrip", "map", "minus", "modulo",
    "plus", "prepend", "remove", "remove_first", "replace", "replace_first", "reverse", "round", "rstrip",
    "size", "slice", "sort", "sort_natural", "split", "squish", "strip", "strip_newlines", "sum", "times",
    "truncate", "truncatewords", "uniq", "upcase", "url_encode", "where",
})
# fmt: on
ROOTS = frozenset({"contact", "broadcast", "sender", "unsubscribe_url", "preferences_url"})
CONTACT_FIELDS = frozenset({"id", "email", "name", "first_name", "last_name", "properties"})

# Names that the composer sets beside the ROOTS; authors may not use the prefix.
RESERVED = "kiba_"
TOKEN = RESERVED + "token"
PAGE = RESERVED + "page"  # the token with the reader's language, for links to pages
NOW = RESERVED + "now"

MAX_ITERATIONS = 10_000
MAX_OUTPUT_BYTES = 1_000_000
# The lexer's patterns try each blank of a construct again and again; up to this length that costs nothing.
MAX_CONSTRUCT = 2_000
MAX_CONSTRUCTS = 1_000

CONSTRUCT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_OPENING = re.compile(r"\{[{%]")
_CLOSINGS = {"{{": "}}", "{%": "%}"}
_TAG_NAME = re.compile(r"\{%-?\s*(#|\w*)")


class _Context(RenderContext):
    """Counts every turn of every loop, where Liquid's own limit looks at each nest of loops alone."""

    __slots__ = ("_iterations",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._iterations = 0

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self._iterations += length
        if self._iterations > MAX_ITERATIONS:
            raise LoopIterationLimitError(f"more than {MAX_ITERATIONS:,} turns of its loops", token=None)


class _Template(BoundTemplate):
    context_class = _Context


class _MailEnvironment(Environment):
    template_class = _Template
    block_nesting_limit = 20
    local_namespace_limit = 100_000
    output_stream_limit = MAX_OUTPUT_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        allowed = TAGS | {"content", "output", "illegal"}
        self.tags = {name: tag for name, tag in self.tags.items() if name in allowed}
        self.filters = {name: _bounded(name, self.filters[name]) for name in FILTERS}
        self.filters["date"] = _date
        self.filters |= escaping.ESCAPES


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, refusing what would make a small template's result enormous."""

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(arg, range) and len(arg) > MAX_ITERATIONS for arg in args):
            raise FilterValueError(f"{name}: a range of more than {MAX_ITERATIONS:,}", token=None)
        if name in ("replace", "join") and len(args) > 1:
            subject, inserted = args[0], len(str(args[-1]))
            places = len(subject) + 1 if isinstance(subject, str | list | tuple | range) else 20
            if inserted > 1 and places * inserted > MAX_OUTPUT_BYTES:
                raise FilterValueError(f"{name}: the result would be too long", token=None)
        return function(*args, **kwargs)

    return bounded


@with_context
def _date(value: object, form: object = "%d %B %Y", *, context: RenderContext) -> str:
    """Liquid's `date`, in UTC; its `now` is the moment for which the mail is composed."""
    if isinstance(value, str) and value in ("now", "today"):
        value = context.resolve(NOW, default="")
    elif isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        value = datetime.fromtimestamp(int(value), UTC)
    return str(liquid_date(value, form, environment=context.env))


ENVIRONMENT = _MailEnvironment()


def parse(source: str, field: str) -> BoundTemplate:
    """The template in `source`. Raises ContentError, naming `field` and the line, where it is not Liquid."""
    try:
        return ENVIRONMENT.from_string(source)
    except LiquidError as error:
        place = error.context()
        line = place[0] if place else _line_of_error(source)
        raise ContentError([FieldError(field, f"Liquid: {error.message}.", line)]) from error


def render(template: BoundTemplate, fields: Mapping[str, Any]) -> str:
    """The template's text. Raises Unsendable where a value or a limit stops it."""
    try:
        return template.render(fields)
    except (LiquidError, ArithmeticError, ValueError) as error:
        raise Unsendable(f"Liquid: {getattr(error, 'message', error)}.") from error


def check(source: str, field: str) -> set[str]:
    """The merge fields used in what an author wrote, such as `contact.properties.city`.

    Raises ContentError, naming `field` and the line, for Liquid that is wrong or not allowed in a mail.
    """
    check_form(source, field)
    analysis = parse(source, field).analyze()
    variables = [used for group in analysis.globals.values() for used in group]
    wrong = [(_unknown_field(used), used.span) for used in variables]
    wrong += [(_unknown_filter(name), span) for name, spans in analysis.filters.items() for span in spans]
    errors = [FieldError(field, message, _line_at(source, span.index)) for message, span in wrong if message]
    if errors:
        raise ContentError(errors)
    return {str(used) for used in variables}


def check_form(source: str, field: str) -> None:
    """Raises ContentError for Liquid that is not even to be parsed: unfinished, too much, or not ours.

    Comes before all else: once each construct is known to be closed and short, every pattern that looks
    for constructs, Liquid's own included, is done in linear time.
    """
    errors = [FieldError(field, message, _line_at(source, index)) for message, index in _malformed(source)]
    if errors:
        raise ContentError(errors)


def _malformed(source: str) -> Iterator[tuple[str, int]]:
    end, count = 0, 0
    while opened := _OPENING.search(source, end):
        start, closing = opened.start(), _CLOSINGS[opened[0]]
        end = source.find(closing, start + 2) + 2
        count += 1
        if end < 2:
            yield f"Liquid: {opened[0]} is opened and never closed.", start
            return
        if count > MAX_CONSTRUCTS:
            yield f"Liquid: more than {MAX_CONSTRUCTS:,} merge fields and tags.", start
            return
        if end - start > MAX_CONSTRUCT:
            yield f"Liquid: more than {MAX_CONSTRUCT:,} characters between braces.", start
        elif problem := _not_allowed(source[start:end]):
            yield problem, start


def _not_allowed(construct: str) -> str:
    tag = _TAG_NAME.match(construct)
    if RESERVED in construct:
        return f"Liquid: names with {RESERVED} are reserved; choose another."
    if tag and tag[1] in ("raw", "doc"):
        # The lexer takes these before any tag is looked up, and what they hold would go unchecked.
        return f"Liquid: the tag {tag[1]} is not allowed in a mail."
    return ""


def _unknown_filter(name: str) -> str:
    return "" if name in FILTERS | {"date"} else f"Liquid: there is no filter {name} in a mail."


def _unknown_field(used: Variable) -> str:
    """What to do about a name that no mail has; empty for the others."""
    root, *rest = used.segments
    if root not in ROOTS:
        known = ", ".join(sorted(ROOTS - {"contact"} | {f"contact.{name}" for name in CONTACT_FIELDS}))
        return f"There is no merge field {used}. There are: {known}."
    if root == "contact" and rest and isinstance(rest[0], str) and rest[0] not in CONTACT_FIELDS:
        return f"There is no merge field {used}. A contact's own property is contact.properties.{rest[0]}."
    return ""


def _line_at(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1


def _line_of_error(source: str) -> int | None:
    """The line of the first construct that is wrong by itself, or of the last block that is never closed."""
    opened: list[tuple[str, int]] = []
    for found in CONSTRUCT.finditer(source):
        line, tag = _line_at(source, found.start()), _TAG_NAME.match(found[0])
        name = tag[1] if tag else ""
        if name in BLOCKS:
            opened.append((name, line))
        elif name.startswith("end") and opened:
            opened.pop()
        if name in BLOCKS or name in ("", "assign"):
            try:
                ENVIRONMENT.from_string(found[0] + (f"{{% end{name} %}}" if name in BLOCKS else ""))
            except LiquidError:
                return line
    return opened[-1][1] if opened else None
