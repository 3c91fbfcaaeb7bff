"""Properties of an audience made, renamed and taken away, with the values that its contacts have.

Values are changed CHUNK contacts a transaction, so that nobody waits long for a row; what was cut off is done
by asking again.
"""

from typing import Any

from sidecars.audiences.properties import declare
from sidecars.models import PropertyDefinition, database

CHUNK = 5000
READ_COMMITTED = "READ COMMITTED"
_HAS = "JSON_CONTAINS_PATH(properties, 'one', %s)"


class PropertyExists(Exception):
    """The audience has a property of this name, of the kind that its text names."""


def definitions(audience_id: int) -> list[PropertyDefinition]:
    """In the order in which they came."""
    mine = PropertyDefinition.select().where(PropertyDefinition.audience == audience_id)
    return list(mine.order_by(PropertyDefinition.id))


def definition(audience_id: int, name: str) -> PropertyDefinition | None:
    """The property of this name."""
    return PropertyDefinition.get_or_none(
        PropertyDefinition.audience == audience_id, PropertyDefinition.name == name
    )


def define(audience_id: int, name: str, kind: str) -> tuple[PropertyDefinition, bool]:
    """The property, and whether it was made now. Raises PropertyExists where it is of another kind."""
    before = definition(audience_id, name)
    if before is None:
        declare(audience_id, {name: kind})
    found = before or definition(audience_id, name)
    assert found is not None  # noqa: S101
    if found.kind != kind:
        raise PropertyExists(found.kind)
    return found, before is None


def bearers(audience_id: int, name: str) -> int:
    """How many contacts have a value of it. Reads them all: a second for a million."""
    counted = f"SELECT COUNT(*) FROM contacts WHERE audience_id = %s AND {_HAS}"  # noqa: S608
    return int(database.execute_sql(counted, [audience_id, _path(name)]).fetchone()[0])


def forget(audience_id: int, name: str) -> int:
    """Takes the property away, with its values; returns how many contacts had one."""
    path = _path(name)
    changed = _change(audience_id, path, "JSON_REMOVE(properties, %s)", [path])
    _of(audience_id, name, PropertyDefinition.delete())
    return changed


def rename(audience_id: int, name: str, new_name: str) -> PropertyDefinition:
    """Gives the property another name, with its values. Raises PropertyExists, which names the kind."""
    there = definition(audience_id, new_name)
    if there is not None:
        raise PropertyExists(there.kind)
    old, new = _path(name), _path(new_name)
    moved = "JSON_REMOVE(JSON_SET(properties, %s, JSON_EXTRACT(properties, %s)), %s)"
    _of(audience_id, name, PropertyDefinition.update(name=new_name))
    _change(audience_id, old, moved, [new, old, old])
    found = definition(audience_id, new_name)
    assert found is not None  # noqa: S101
    return found


def _change(audience_id: int, path: str, value: str, parameters: list[Any]) -> int:
    """Sets `properties` to `value` wherever the path is; returns of how many."""
    changed, after = 0, 0
    while True:
        last = database.execute_sql(
            "SELECT MAX(id) FROM (SELECT id FROM contacts FORCE INDEX (contacts_in_order) "
            "WHERE audience_id = %s AND id > %s ORDER BY id LIMIT %s) AS chunk",
            [audience_id, after, CHUNK],
        ).fetchone()[0]
        if last is None:
            return changed
        with database.atomic(READ_COMMITTED):
            changed += database.execute_sql(
                f"UPDATE contacts SET properties = {value}, updated_at = UTC_TIMESTAMP(3) "  # noqa: S608
                f"WHERE audience_id = %s AND id > %s AND id <= %s AND {_HAS}",
                [*parameters, audience_id, after, last, path],
            ).rowcount
        after = last


def _of(audience_id: int, name: str, query: Any) -> None:
    query.where(PropertyDefinition.audience == audience_id, PropertyDefinition.name == name).execute()


def _path(name: str) -> str:
    return f'$."{name}"'
