"""Pages of an audience's contacts: searched, filtered, sorted, and fast however many there are.

A page is read along an index, from where the page before it ended. What the index does not know is looked at
row by row, MOST_LOOKED_AT rows a page: a rare thing may need several pages, of which some are short or empty,
and none is slow. What is few (a tag or a status of FEW contacts) is sorted whole instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sidecars.audiences import properties
from sidecars.models import Contact, PropertyDefinition, Tag, UtcDateTimeField, database
from sidecars.names import address_key

SORTS = ("created", "-created", "updated", "-updated", "email", "-email")
BY_RELEVANCE = "relevance"
STEP = 2500
MOST_LOOKED_AT = 5000
FEW = 3000
# Contacts have their ids in the order of their creation, but for what a long import or a clock is late by.
_LATE = timedelta(hours=1)
_NOBODY = "FALSE"

# Where a page stands: the sort it is of, the walk, and the values of the walk's columns in the last row.
Cursor = list[Any]


class UnknownProperty(LookupError):
    """The audience has no such property; its text is the name."""


class NotTheCursor(ValueError):
    """The cursor is of another sort."""


@dataclass(frozen=True)
class Wanted:
    """Whom a page shows. `search` is the beginning of an address, a first or a last name, or of both names.

    `properties` are (name, value as text; "" where any will do); of a list, one of its words. Moments have
    their time zone; `…_from` is within, `…_before` is not.
    """

    search: str = ""
    email: str | None = None
    status: str | None = None
    tag: str | None = None
    properties: Sequence[tuple[str, str]] = ()
    created_from: datetime | None = None
    created_before: datetime | None = None
    updated_from: datetime | None = None
    updated_before: datetime | None = None


class Condition(NamedTuple):
    """SQL over contacts as `c`, and its parameters."""

    sql: str
    parameters: list[Any]


@dataclass(frozen=True)
class Walk:
    """A way through some contacts of the audience, in the order of `columns`.

    `along` holds where the index itself leads, `fitting` what each row is asked; one that is `sorted` has no
    index for its order.
    """

    source: str
    columns: tuple[str, ...]
    along: list[Condition]
    fitting: list[Condition] = field(default_factory=list)
    is_sorted: bool = False


def page(
    audience_id: int, wanted: Wanted, sort: str, cursor: Cursor | None, limit: int
) -> tuple[list[Contact], Cursor | None]:
    """Up to `limit` contacts, and where the next page begins; None at the end.

    `sort` is one of SORTS; a search goes BY_RELEVANCE: addresses first, then names. Raises UnknownProperty,
    NotTheCursor, properties.PropertyError.
    """
    walks = _walks(audience_id, wanted, sort)
    number, after = _opened(cursor, sort, walks)
    found: list[int] = []
    budget = MOST_LOOKED_AT  # what is read along an index, and fits, costs nothing of it
    while number < len(walks):
        rows, stands, looked_at = _stride(walks[number], sort, after, limit - len(found), budget)
        found += rows
        budget -= looked_at
        number, after = (number + 1, []) if stands is None else (number, stands)
        if len(found) == limit or budget <= 0:
            break
    people = {row.id: row for row in Contact.select().where(Contact.id.in_(found))} if found else {}
    shown = [people[id_] for id_ in found if id_ in people]
    return shown, [sort, number, *after] if number < len(walks) else None


def _stride(
    walk: Walk, sort: str, after: list[Any], limit: int, budget: int
) -> tuple[list[int], list[Any] | None, int]:
    """Ids of up to `limit` that fit, where the walk stands then (None: at its end), how many it looked at."""
    is_down = sort.startswith("-")
    along = [*walk.along, *([_beyond(walk.columns, after, is_down)] if after else [])]
    looked_at, end = 0, None
    if walk.fitting and not walk.is_sorted:
        looked_at = min(STEP, budget)
        last = _rows(walk, along, is_down, f"LIMIT 1 OFFSET {looked_at - 1}")
        if last:
            end = list(last[0][1:])
            along = [*along, _not_beyond(walk.columns, end, is_down)]
    rows = _rows(walk, [*along, *walk.fitting], is_down, f"LIMIT {limit + 1}")
    ids = [row[0] for row in rows[:limit]]
    if len(rows) > limit:
        return ids, list(rows[limit - 1][1:]), looked_at
    return ids, end, looked_at


def _rows(walk: Walk, conditions: list[Condition], is_down: bool, limit: str) -> list[tuple[Any, ...]]:
    """(id, the walk's columns) of what fulfils the conditions, in the walk's order."""
    direction = " DESC" if is_down else ""
    order = ", ".join(f"{column}{direction}" for column in walk.columns)
    cursor = database.execute_sql(
        f"SELECT c.id, {', '.join(walk.columns)} FROM {walk.source} "  # noqa: S608
        f"WHERE {' AND '.join(each.sql for each in conditions)} ORDER BY {order} {limit}",
        [value for each in conditions for value in each.parameters],
    )
    return [tuple(map(_plain, row)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    """As a cursor holds it."""
    return value.isoformat(" ", "milliseconds") if isinstance(value, datetime) else value


def _beyond(columns: tuple[str, ...], values: list[Any], is_down: bool) -> Condition:
    than = "<" if is_down else ">"
    if len(columns) == 1:
        return Condition(f"{columns[0]} {than} %s", values)
    first, second = columns
    return Condition(
        f"({first} {than} %s OR ({first} = %s AND {second} {than} %s))", [values[0], values[0], values[1]]
    )


def _not_beyond(columns: tuple[str, ...], values: list[Any], is_down: bool) -> Condition:
    sql, parameters = _beyond(columns, values, not is_down)
    same = " AND ".join(f"{column} = %s" for column in columns)
    return Condition(f"({sql} OR ({same}))", [*parameters, *values])


def _opened(cursor: Cursor | None, sort: str, walks: list[Walk]) -> tuple[int, list[Any]]:
    """The walk's number and where it stands."""
    if cursor is None:
        return 0, []
    match cursor:
        case [str(of), int(number), *after] if of == sort and 0 <= number < len(walks):
            if not after or [type(value) for value in after] == _types(walks[number]):
                return number, after
    raise NotTheCursor


def _types(walk: Walk) -> list[type]:
    return [int if column.endswith("id") else str for column in walk.columns]


def _walks(audience_id: int, wanted: Wanted, sort: str) -> list[Walk]:
    fitting = _conditions(audience_id, wanted)
    changed = _span("updated_at", wanted.updated_from, wanted.updated_before)
    tag = Tag.get_or_none(Tag.audience == audience_id, Tag.name == wanted.tag) if wanted.tag else None
    if wanted.tag and tag is None:
        return []
    tag_id = tag.id if tag else None
    mine = Condition("c.audience_id = %s", [audience_id])
    status = [Condition("c.status = %s", [wanted.status])] if wanted.status else []
    bears = [_bears(tag_id)] if tag_id else []
    if wanted.email is not None:
        of_address = [mine, Condition("c.email = %s", [wanted.email])]
        return [Walk("contacts c", ("c.id",), of_address, [*fitting, *status, *bears], is_sorted=True)]
    if sort == BY_RELEVANCE:
        return _search(wanted.search, mine, [*fitting, *status, *bears])
    if sort.endswith("created"):
        return [_by_creation(mine, wanted, tag_id, status, fitting)]
    by_change = sort.endswith("updated")
    columns = ("c.updated_at", "c.id") if by_change else ("c.email",)  # an address is there once
    key = "contacts_by_change" if by_change else "audience_id"
    if tag_id and _are_few("contact_tags WHERE tag_id = %s", tag_id):
        source = "contact_tags ct STRAIGHT_JOIN contacts c ON c.id = ct.contact_id"
        borne = [Condition("ct.tag_id = %s", [tag_id]), mine]
        return [Walk(source, columns, borne, [*fitting, *status], is_sorted=True)]
    if status and _are_few("contacts WHERE audience_id = %s AND status = %s", audience_id, wanted.status):
        source = "contacts c FORCE INDEX (contacts_of_status)"
        return [Walk(source, columns, [mine, *status], [*fitting, *bears], is_sorted=True)]
    along = [mine, *changed] if by_change else [mine]
    fitting = [each for each in fitting if each not in along]
    return [Walk(f"contacts c FORCE INDEX ({key})", columns, along, [*fitting, *status, *bears])]


def _by_creation(
    mine: Condition, wanted: Wanted, tag_id: int | None, status: list[Condition], fitting: list[Condition]
) -> Walk:
    """In the order of the ids."""
    if tag_id:
        source = "contact_tags ct STRAIGHT_JOIN contacts c ON c.id = ct.contact_id"
        column, along, rest = "ct.contact_id", [Condition("ct.tag_id = %s", [tag_id])], status
    elif status:
        source = "contacts c FORCE INDEX (contacts_of_status)"
        column, along, rest = "c.id", [mine, *status], []
    else:
        source, column, along, rest = "contacts c FORCE INDEX (contacts_in_order)", "c.id", [mine], []
    bounds = _id_bounds(mine, wanted, column)
    is_exact = not rest and not fitting
    return Walk(source, (column,), [*along, *bounds], [] if is_exact else [*rest, *fitting])


def _id_bounds(mine: Condition, wanted: Wanted, column: str) -> list[Condition]:
    """Ids between which those of a span of creation lie."""
    bounds = []
    for moment, late, than, order in (
        (wanted.created_from, -_LATE, ">=", "created_at"),
        (wanted.created_before, _LATE, "<=", "created_at DESC"),
    ):
        if moment is None:
            continue
        row = database.execute_sql(
            f"SELECT id FROM contacts c WHERE {mine.sql} AND created_at {than} %s ORDER BY {order} LIMIT 1",  # noqa: S608
            [*mine.parameters, _naive(moment + late)],
        ).fetchone()
        bounds.append(Condition(f"{column} {than} %s", [row[0]]) if row else Condition(_NOBODY, []))
    return bounds


def _search(text: str, mine: Condition, fitting: list[Condition]) -> list[Walk]:
    """Addresses, then first names, then last names; nobody twice."""
    email, name = _prefix(address_key(text)), _prefix(text)
    matches = {
        "audience_id": Condition("c.email LIKE %s", [email]),
        "contacts_by_first_name": Condition("c.first_name LIKE %s", [name]),
        "contacts_by_last_name": Condition("c.last_name LIKE %s", [name]),
    }
    walks, before = [], list[Condition]()
    for key, match in matches.items():
        column = match.sql.partition(" ")[0]
        columns = (column,) if column == "c.email" else (column, "c.id")
        walks.append(Walk(f"contacts c FORCE INDEX ({key})", columns, [mine, match], [*fitting, *before]))
        before = [*before, Condition(f"NOT ({match.sql})", match.parameters)]
    first, _, last = text.rpartition(" ")
    if first:
        both = [
            Condition("c.first_name = %s", [first.strip()]),
            Condition("c.last_name LIKE %s", [_prefix(last)]),
        ]
        source = "contacts c FORCE INDEX (contacts_by_first_name)"
        walks.append(Walk(source, ("c.id",), [mine, both[0]], [both[1], *fitting, *before]))
    return walks


def _prefix(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"


def _conditions(audience_id: int, wanted: Wanted) -> list[Condition]:
    """What no walk leads along."""
    return [
        *_span("created_at", wanted.created_from, wanted.created_before),
        *_span("updated_at", wanted.updated_from, wanted.updated_before),
        *(_has(audience_id, name, value) for name, value in wanted.properties),
    ]


def _span(column: str, start: datetime | None, end: datetime | None) -> list[Condition]:
    return [
        Condition(f"c.{column} {than} %s", [_naive(moment)])
        for than, moment in ((">=", start), ("<", end))
        if moment is not None
    ]


def _has(audience_id: int, name: str, value: str) -> Condition:
    definition = PropertyDefinition.get_or_none(
        PropertyDefinition.audience == audience_id, PropertyDefinition.name == name
    )
    if definition is None:
        raise UnknownProperty(name)
    sql, parameters = properties.in_sql(name, definition.kind)
    if not value:
        return Condition(f"{sql} IS NOT NULL", parameters)
    if definition.kind == "list":
        return Condition(f"JSON_CONTAINS({sql}, %s)", [*parameters, properties.in_json(value)])
    read = properties.reader(definition.kind)(value)
    return Condition(f"{sql} = %s", [*parameters, str(read).lower() if isinstance(read, bool) else read])


def _bears(tag_id: int) -> Condition:
    return Condition(
        "EXISTS (SELECT 1 FROM contact_tags ct WHERE ct.tag_id = %s AND ct.contact_id = c.id)", [tag_id]
    )


def _are_few(which: str, *parameters: Any) -> bool:
    counted = f"SELECT COUNT(*) FROM (SELECT 1 FROM {which} LIMIT {FEW + 1}) AS some"  # noqa: S608
    return int(database.execute_sql(counted, parameters).fetchone()[0]) <= FEW


def _naive(moment: datetime) -> Any:
    return UtcDateTimeField().db_value(moment)
