"""Typed properties of contacts: text, number, date, boolean, list. Pure, but for `declared` and `declare`.

In JSON: text a string, number a number, date `YYYY-MM-DD` or a moment in UTC (`2026-11-24T10:15:30Z`),
boolean true or false, list an array of strings. `in_sql` is how SQL reads one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from sidecars.models import PropertyDefinition

MAX_TEXT = 2000
MAX_NAME = 64
MAX_NUMBER = 10**15  # what a float holds exactly; NaN and infinity are not below it
LIST_SEPARATOR = "|"

# "007" and "+49 30" are names of things, not amounts; so is what a float could not hold exactly.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].+)?")
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


class PropertyError(ValueError):
    """A value does not fit its property's kind; the message names both."""


def property_name(text: str) -> str:
    """A column's title as a property's name: `Prénom (2)` → `prenom_2`; "" where nothing is left."""
    plain = "".join(
        mark for mark in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(mark)
    )
    return re.sub(r"\W+", "_", unicodedata.normalize("NFC", plain)).strip("_")[:MAX_NAME]


def guess_kind(values: Iterable[str]) -> str:
    """The narrowest kind that every value (empty ones aside) can be read as; text where there is none."""
    filled = [value for value in values if value]
    if not filled:
        return "text"
    for kind in ("boolean", "number", "date"):
        if all(_reads_as(kind, value) for value in filled):
            return kind
    return "list" if any(LIST_SEPARATOR in value for value in filled) else "text"


def reader(kind: str) -> Callable[[str], Any]:
    """The function that turns a cell's text into a value of `kind`; it raises PropertyError."""
    return _READERS[kind]


def kind_of(value: Any) -> str:
    """The kind by which a JSON value declares a property that the audience has not seen yet."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "list" if isinstance(value, list) else "text"


def fitted(kind: str, value: Any) -> Any:
    """A JSON value as it is kept for `kind`. Raises PropertyError."""
    match kind, value:
        case "text" | "date", str():
            return reader(kind)(value)
        case "boolean", bool():
            return value
        case "number", int() | float() if not isinstance(value, bool) and abs(value) < MAX_NUMBER:
            return value
        case "list", list() if all(isinstance(item, str) for item in value):
            return [_text(item) for item in value]
    raise PropertyError(f"must be a {kind}")


def declared(audience_id: int) -> dict[str, str]:
    """The audience's properties: name → kind."""
    rows = PropertyDefinition.select().where(PropertyDefinition.audience == audience_id)
    return {row.name: row.kind for row in rows.order_by(PropertyDefinition.id)}


def declare(audience_id: int, kinds: dict[str, str]) -> None:
    """Adds properties; what is declared already keeps its kind."""
    rows = [{"audience": audience_id, "name": name, "kind": kind} for name, kind in kinds.items()]
    if rows:
        PropertyDefinition.insert_many(rows).on_conflict_ignore().execute()


def in_sql(name: str, kind: str, column: str = "c.properties") -> tuple[str, list[str]]:
    """SQL for a property's value in a row of `contacts`, and its parameters; NULL where the contact has none.

    Of a number a DOUBLE, of a list its JSON (for JSON_CONTAINS with `in_json` of a word), of the others their
    text, compared byte by byte: dates and moments sort by their text, booleans are `true` and `false`.
    Valid on MySQL and MariaDB alike.
    """
    extracted, path = f"JSON_EXTRACT({column}, %s)", f'$."{name}"'
    if kind == "list":
        return extracted, [path]
    text = f"JSON_UNQUOTE({extracted})"
    return (f"({text} + 0e0)" if kind == "number" else text), [path]


def in_json(word: str) -> str:
    """A word as JSON_CONTAINS looks for it in a list."""
    return orjson.dumps(word).decode()


def _reads_as(kind: str, value: str) -> bool:
    try:
        reader(kind)(value)
    except PropertyError:
        return False
    return True


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise PropertyError(f"is longer than {MAX_TEXT} characters")
    if not value.isascii() and any("\ud800" <= mark <= "\udfff" for mark in value):
        raise PropertyError("is not valid Unicode")
    return value


def _number(value: str) -> int | float:
    if not _NUMBER.fullmatch(value):
        raise PropertyError(f'"{value[:40]}" is not a number')
    return float(value) if "." in value else int(value)


def _is_as_kept(value: str) -> bool:
    """Whether it is YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, told faster than by a pattern. Raises ValueError."""
    is_day = len(value) == 10
    is_moment = len(value) == 20 and value[10] + value[19] == "TZ" and value[13] == value[16] == ":"
    return (is_day or is_moment) and value[4] == value[7] == "-" and bool(datetime.fromisoformat(value))


def _date(value: str) -> str:
    try:
        if _is_as_kept(value):
            return value
        if not _DATE.fullmatch(value):
            raise ValueError
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise PropertyError(f'"{value[:40]}" is not a date (2026-11-24 or 2026-11-24T10:15:30Z)') from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _boolean(value: str) -> bool:
    try:
        return _BOOLEANS[value.casefold()]
    except KeyError:
        raise PropertyError(f'"{value[:40]}" is neither true nor false') from None


def _list(value: str) -> list[str]:
    return [_text(item.strip()) for item in value.split(LIST_SEPARATOR) if item.strip()]


_READERS: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "boolean": _boolean,
    "list": _list,
}
