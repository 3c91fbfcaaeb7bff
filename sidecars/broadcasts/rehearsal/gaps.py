"""Which merge fields may leave a gap: those without a `default`, and not within an `if` about them."""

import json
from collections.abc import Iterable, Iterator

from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.expression import Expression

from sidecars.mail.content import PreparedContent
from sidecars.mail.templating import parse


def without_fallback(prepared: Iterable[PreparedContent]) -> list[str]:
    """Names such as `contact.properties.city`, of those that may be empty; sorted."""
    found: set[tuple[str, ...]] = set()
    for content in prepared:
        for field in ("subject", "preheader", "html", "text"):
            found |= set(_bare(parse(getattr(content, field), field).nodes, frozenset()))
    return sorted(".".join(path) for path in found if _may_be_empty(path))


def is_empty(field: str) -> tuple[str, list[str]]:
    """SQL that is true where the field of contact `c` is empty, and its parameters."""
    match field.split("."):
        case ["contact", "name"]:
            return "(c.first_name = '' AND c.last_name = '')", []
        case ["contact", ("first_name" | "last_name") as column]:
            return f"c.{column} = ''", []
        case ["contact", "properties", *names]:
            path = "$" + "".join(f".{json.dumps(name)}" for name in names)
            empty = (
                """COALESCE(CAST(JSON_EXTRACT(c.properties, %s) AS CHAR), 'null') IN ('null', '""', '[]')"""
            )
            return empty, [path]
    raise ValueError(field)


_Path = tuple[str, ...]


def _bare(nodes: Iterable[Node], asked_for: frozenset[_Path]) -> Iterator[_Path]:
    """Paths that the nodes write as they are; `asked_for` are those that a condition around them tests."""
    for node in nodes:
        expressions = list(node.expressions())
        if isinstance(node, OutputNode | AssignNode):
            yield from (
                path
                for expression in expressions
                if not _has_default(expression)
                for path in _paths(expression)
                if path not in asked_for
            )
            expressions = []
        tested = asked_for.union(path for expression in expressions for path in _paths(expression))
        yield from _bare(node.children(None, include_partials=False), tested)  # type: ignore[arg-type]


def _has_default(expression: Expression) -> bool:
    return isinstance(expression, FilteredExpression) and any(
        applied.name == "default" for applied in expression.filters or []
    )


def _paths(expression: Expression) -> Iterator[_Path]:
    if isinstance(expression, Path) and all(isinstance(name, str) for name in expression.path):
        yield tuple(str(name) for name in expression.path)
    for child in expression.children():
        yield from _paths(child)


def _may_be_empty(path: _Path) -> bool:
    if path[0] != "contact" or path[-1] in ("first", "last", "size"):
        return False
    is_name = len(path) == 2 and path[1] in ("name", "first_name", "last_name")
    return is_name or (len(path) > 2 and path[1] == "properties")
