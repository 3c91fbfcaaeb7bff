"""A condition as SQL over `contacts` (as `c`), true or false and never NULL; every value is a parameter.

MySQL and MariaDB read the same text. Text is compared byte by byte once both sides are in lower case, since
the tables' collation takes `Koln` for `Köln` and MySQL's padding takes `a ` for `a`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sidecars.audiences.properties import in_sql
from sidecars.audiences.segments.language import (
    All,
    Any_,
    Compares,
    Condition,
    Engaged,
    HasTag,
    Not,
    RecipientOf,
)
from sidecars.audiences.segments.operators import FIELDS

# SQL and the values for its `%s`, in their order.
Sql = tuple[str, list[Any]]


@dataclass(frozen=True)
class Scope:
    """What a condition is compiled for: `at` (UTC) is what “now” means in it.

    `set_of` gives the id in `engagement_sets` of those whom a condition about broadcasts holds for.
    """

    audience_id: int
    kinds: Mapping[str, str]
    at: datetime
    set_of: Callable[[Engaged | RecipientOf], int]


def compiled(condition: Condition, scope: Scope) -> Sql:
    """The condition's SQL; raises what `scope.set_of` raises."""
    match condition:
        case All(all=parts):
            return _joined(" AND ", (compiled(part, scope) for part in parts))
        case Any_(any=parts):
            return _joined(" OR ", (compiled(part, scope) for part in parts))
        case Not(inner=inner):
            sql, values = compiled(inner, scope)
            return f"NOT {sql}", values
        case HasTag(tag=name):
            return (
                """EXISTS (SELECT 1 FROM contact_tags ct JOIN tags t ON t.id = ct.tag_id
                            WHERE ct.contact_id = c.id AND t.audience_id = %s AND t.name = %s)""",
                [scope.audience_id, name],
            )
        case Engaged() | RecipientOf():
            # Not EXISTS, which a planner may turn round to begin with the set: chunks go by contact id.
            return (
                """COALESCE((SELECT 1 FROM engaged_contacts e
                              WHERE e.set_id = %s AND e.contact_id = c.id), 0)""",
                [scope.set_of(condition)],
            )
        case Compares():
            return _comparison(condition, scope)


def _joined(word: str, parts: Iterable[Sql]) -> Sql:
    texts, values = [], []
    for sql, its in parts:
        texts.append(sql)
        values += its
    return f"({word.join(texts)})", values


def _comparison(asked: Compares, scope: Scope) -> Sql:
    kind = scope.kinds[asked.property] if asked.property else FIELDS[asked.name]
    left = in_sql(asked.property, kind) if asked.property else (_FIELD[asked.name], [])
    if asked.op == "empty":
        length = "JSON_LENGTH" if kind == "list" else "LENGTH"
        return f"COALESCE({length}({left[0]}), 0) = 0", left[1]
    if kind == "list":
        return _of_list(asked, left)
    if kind == "date":
        return _of_day(asked, (f"SUBSTR({left[0]}, 1, 10)", left[1]), scope.at.date())
    return _COMPARED[asked.op](left, asked.value)


_FIELD: Mapping[str, str] = {
    "email": "c.email",
    "email_domain": "SUBSTRING_INDEX(c.email, '@', -1)",
    "first_name": "c.first_name",
    "last_name": "c.last_name",
    "status": "c.status",
    "subscribed_at": "CAST(c.subscribed_at AS CHAR)",
    "unsubscribed_at": "CAST(c.unsubscribed_at AS CHAR)",
    "created_at": "CAST(c.created_at AS CHAR)",
}


def _of_list(asked: Compares, left: Sql) -> Sql:
    def has(texts: list[str]) -> Sql:
        same, values = _same(("item.word", []), texts)
        return (
            f"""EXISTS (SELECT 1 FROM JSON_TABLE({left[0]}, '$[*]' COLUMNS (
                            word VARCHAR(2000) CHARACTER SET utf8mb4 PATH '$')) AS item WHERE {same})""",
            [*left[1], *values],
        )

    if asked.op == "contains_any":
        return has(asked.value)
    return _joined(" AND ", (has([text]) for text in asked.value))


def _of_day(asked: Compares, left: Sql, today: date) -> Sql:
    """Days as texts of ten digits and dashes, which are in order as the days are."""

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    match asked.op, asked.value:
        case "on", day:
            return _between(left, day, day)
        case "before", day:
            return _compared(left, "<", day)
        case "after", day:
            return _compared(left, ">", day)
        case "between", (first, last):
            return _between(left, first, last)
        case "in_last_days", days:
            return _between(left, ago(days), today)
        case "in_next_days", days:
            return _between(left, today, ago(-days))
        case "more_than_days_ago", days:
            return _compared(left, "<", ago(days))
    marks = ", ".join(["%s"] * len(days := anniversaries(ago(-asked.value))))
    return _certain(f"SUBSTR({left[0]}, 6) IN ({marks})", [*left[1], *days])


def anniversaries(day: date) -> list[str]:
    """Which `MM-DD` have their anniversary on that day: 29 February on the 28th where there is no 29th."""
    leaps = day.month == 2 and day.day == 28 and (day + timedelta(days=1)).month == 3
    return [f"{day:%m-%d}", *(["02-29"] if leaps else [])]


def _between(left: Sql, first: Any, last: Any) -> Sql:
    return _certain(f"{left[0]} BETWEEN %s AND %s", [*left[1], _plain(first), _plain(last)])


def _compared(left: Sql, sign: str, value: Any) -> Sql:
    return _certain(f"{left[0]} {sign} %s", [*left[1], _plain(value)])


def _same(left: Sql, texts: Iterable[str]) -> Sql:
    values = list(texts)
    marks = ", ".join(["CAST(LOWER(%s) AS BINARY)"] * len(values))
    return _certain(f"CAST(LOWER({left[0]}) AS BINARY) IN ({marks})", [*left[1], *values])


def _like(before: str, after: str) -> Callable[[Sql, str], Sql]:
    def like(left: Sql, text: str) -> Sql:
        for mark in "|%_":
            text = text.replace(mark, f"|{mark}")
        sql = f"LOWER({left[0]}) COLLATE utf8mb4_bin LIKE LOWER(%s) ESCAPE '|'"
        return _certain(sql, [*left[1], before + text + after])

    return like


def _equal(left: Sql, value: Any) -> Sql:
    if isinstance(value, bool):
        return _same(left, ["true" if value else "false"])
    return _same(left, [value]) if isinstance(value, str) else _compared(left, "=", value)


_COMPARED: Mapping[str, Callable[[Sql, Any], Sql]] = {
    "equals": _equal,
    "in": _same,
    "contains": _like("%", "%"),
    "starts_with": _like("", "%"),
    "ends_with": _like("%", ""),
    "less_than": lambda left, value: _compared(left, "<", value),
    "at_most": lambda left, value: _compared(left, "<=", value),
    "more_than": lambda left, value: _compared(left, ">", value),
    "at_least": lambda left, value: _compared(left, ">=", value),
    "between": lambda left, value: _between(left, *value),
}


def _certain(sql: str, values: list[Any]) -> Sql:
    """What is missing is not so."""
    return f"COALESCE({sql}, 0)", values


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
