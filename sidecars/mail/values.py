"""Liquid taken apart: what all mails share, and a function for each value that is a recipient's own.

python-liquid renders a template by walking it with a context made for the purpose. Most of a mail's
merge fields are a path and a `default`, and those are called directly here; conditions and loops
are still rendered by Liquid, each by itself, so that what stands around them stays shared.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import Filter, FilteredExpression, Literal, Path, PositionalArgument
from liquid.builtin.output import OutputNode
from liquid.expression import Expression
from liquid.output import LimitedStringIO

from sidecars.mail.escaping import ESCAPES, as_text
from sidecars.mail.templating import ENVIRONMENT, MAX_OUTPUT_BYTES

# Not looked up but computed by Liquid, whatever they are asked of.
_COMPUTED = frozenset({"first", "last", "size"})


class Merge:
    """The merge fields of one mail; all its values share one Liquid context, and so its limits."""

    __slots__ = ("_context", "fields")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self._context: RenderContext | None = None

    @property
    def context(self) -> RenderContext:
        """Made when first asked for: most mails never do."""
        if self._context is None:
            self._context = _EMPTY.context_class(_EMPTY, globals=self.fields)
        return self._context


_EMPTY = ENVIRONMENT.from_string("")

Raw = Callable[[Merge], object]


class Field(NamedTuple):
    """A value before it is escaped. Fields of one `key` have one value, wherever they stand."""

    key: str
    raw: Raw
    escapes: tuple[str, ...] = ()

    def text(self, merge: Merge) -> str:
        """The value as it reads in its place."""
        value = self.raw(merge)
        for name in self.escapes:
            value = ENVIRONMENT.filters[name](value)
        return as_text(value)


Piece = str | Field


def pieces(template: BoundTemplate, known: Mapping[str, Any]) -> list[Piece]:
    """The template as shared text and fields. `known` holds what is the same for all recipients."""
    if template.analyze().locals:
        # What `assign` and `capture` set is seen by all that follows, so it is rendered as one.
        return [Field(f"template {id(template)}", lambda merge: template.render(merge.fields))]
    return list(_merge_shared(_piece(node, known) for node in template.nodes))


def _piece(node: Node, known: Mapping[str, Any]) -> Piece:
    if isinstance(node, ContentNode):
        return node.text
    if not isinstance(node, OutputNode):
        return Field(str(node), _block(node))
    field = _field(node.expression)
    paths = list(_paths(node.expression))
    if paths and all(path.head() in known for path in paths):
        return field.text(Merge(dict(known)))
    return field


def _merge_shared(found: Iterator[Piece]) -> Iterator[Piece]:
    shared = ""
    for piece in found:
        if isinstance(piece, str):
            shared += piece
            continue
        if shared:
            yield shared
        shared = ""
        yield piece
    if shared:
        yield shared


def _paths(expression: Expression) -> Iterator[Path]:
    for child in expression.children():
        if isinstance(child, Path):
            yield child
        yield from _paths(child)


def _block(node: Node) -> Raw:
    def render(merge: Merge) -> str:
        buffer = LimitedStringIO(MAX_OUTPUT_BYTES)
        node.render(merge.context, buffer)
        return buffer.getvalue()

    return render


def _field(expression: Expression) -> Field:
    if not isinstance(expression, FilteredExpression):
        return Field(str(expression), lambda merge: expression.evaluate(merge.context))
    filters = list(expression.filters or [])
    escapes: list[str] = []
    while filters and filters[-1].name in ESCAPES:
        escapes.insert(0, filters.pop().name)
    bare = FilteredExpression(expression.token, expression.left, filters)
    return Field(str(bare), _raw(bare), tuple(escapes))


def _raw(expression: FilteredExpression) -> Raw:
    path, filters = expression.left, expression.filters or []
    if not (isinstance(path, Path) and _is_plain_path(path) and all(map(_is_plain_filter, filters))):
        return lambda merge: expression.evaluate(merge.context)
    root, *rest = (str(name) for name in path.path)
    steps = [_step(applied) for applied in filters]
    undefined = ENVIRONMENT.undefined(root)

    def raw(merge: Merge) -> object:
        try:
            value = merge.fields[root]
            for name in rest:
                value = value[name]
        except (KeyError, TypeError, IndexError):
            value = undefined
        for step in steps:
            value = step(value)
        return value

    return raw


def _is_plain_path(path: Path) -> bool:
    return all(isinstance(name, str) and name not in _COMPUTED for name in path.path)


def _is_plain_filter(applied: Filter) -> bool:
    function = ENVIRONMENT.filters[applied.name]
    needs_more = hasattr(function, "with_context") or hasattr(function, "with_environment")
    return not needs_more and all(
        isinstance(argument, PositionalArgument) and isinstance(argument.value, Literal)
        for argument in applied.args
    )


def _step(applied: Filter) -> Callable[[Any], Any]:
    function = ENVIRONMENT.filters[applied.name]
    arguments = tuple(argument.value.value for argument in applied.args)  # type: ignore[attr-defined]
    if applied.name == "default" and len(arguments) == 1:
        # By far the most frequent filter, on what is text by far most often.
        return lambda value: value if value and isinstance(value, str) else function(value, *arguments)
    return lambda value: function(value, *arguments)
