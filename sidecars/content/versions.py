"""Layouts and templates are kept alike: each save is a version, no version is ever changed or lost."""

from dataclasses import dataclass
from typing import Any

from sidecars.models import Layout, LayoutVersion, Template, TemplateVersion, database, now


@dataclass(frozen=True)
class Kept:
    """A kind of thing in versions: its tables, how a version names it, and what a version holds."""

    things: Any
    versions: Any
    owner: str
    fields: tuple[str, ...]


LAYOUTS = Kept(Layout, LayoutVersion, "layout", ("kind", "body"))
TEMPLATES = Kept(
    Template, TemplateVersion, "template", ("layout_id", "kind", "subject", "preheader", "body", "text")
)


def create(kept: Kept, team_id: int, name: str, **content: Any) -> Any:
    """A thing with its first version."""
    with database.atomic():
        thing = kept.things.create(team=team_id, name=name)
        kept.versions.create(**{kept.owner: thing}, number=1, **_with_plain_lines(content))
    return thing


def find(kept: Kept, team_id: int, thing_id: int) -> Any:
    """The team's thing; None where there is none, or it was deleted."""
    things = kept.things
    return things.get_or_none(things.id == thing_id, things.team == team_id, things.deleted_at.is_null())


def page(kept: Kept, team_id: int, before: int, limit: int) -> list[Any]:
    """The team's things below id `before` (0: all), the latest first."""
    things = kept.things
    query = things.select().where(things.team == team_id, things.deleted_at.is_null())
    if before:
        query = query.where(things.id < before)
    return list(query.order_by(things.id.desc()).limit(limit))


def version_of(kept: Kept, thing: Any, number: int | None = None) -> Any:
    """A version by its number, the latest for None; None where there is none."""
    versions = kept.versions
    return versions.get_or_none(
        getattr(versions, kept.owner) == thing, versions.number == (number or thing.version)
    )


def versions_of(kept: Kept, thing: Any, before: int, limit: int) -> list[tuple[Any, list[str]]]:
    """Its versions below number `before` (0: all), the latest first, each with the fields it changed."""
    versions = kept.versions
    query = versions.select().where(getattr(versions, kept.owner) == thing)
    if before:
        query = query.where(versions.number < before)
    rows = list(query.order_by(versions.number.desc()).limit(limit + 1))
    return [
        (row, _differing(kept, row, earlier))
        for row, earlier in zip(rows[:limit], [*rows[1:], None], strict=False)
    ]


def change(kept: Kept, thing: Any, name: str | None = None, **content: Any) -> Any:
    """Saves what is given over what there is. What changes nothing of the content makes no version."""
    with database.atomic():
        # Locked, so that of two saves at once each has its number.
        thing = kept.things.select().where(kept.things.id == thing.id).for_update().get()
        latest = version_of(kept, thing)
        before = {field: getattr(latest, field) for field in kept.fields}
        after = before | _with_plain_lines(content)
        if after != before:
            _add(kept, thing, after)
        if name is not None:
            thing.name = name
        thing.updated_at = now()
        thing.save()
    return thing


def restore(kept: Kept, thing: Any, number: int) -> Any:
    """Saves version `number` again, as the latest. Raises LookupError where there is none."""
    with database.atomic():
        thing = kept.things.select().where(kept.things.id == thing.id).for_update().get()
        version = version_of(kept, thing, number)
        if version is None:
            raise LookupError(number)
        content = {field: getattr(version, field) for field in kept.fields}
        _add(kept, thing, content, restored_from=number)
        thing.updated_at = now()
        thing.save()
    return thing


def delete(kept: Kept, thing: Any) -> None:
    """It is found no more. Its versions stay, for the broadcasts that were made from it."""
    kept.things.update(deleted_at=now()).where(kept.things.id == thing.id).execute()


def _add(kept: Kept, thing: Any, content: dict[str, Any], **fields: Any) -> None:
    thing.version += 1
    kept.versions.create(**{kept.owner: thing}, number=thing.version, **content, **fields)


def _with_plain_lines(content: dict[str, Any]) -> dict[str, Any]:
    """Lines end in LF alone, so that two versions differ where their authors changed them."""
    return {
        field: value.replace("\r\n", "\n") if isinstance(value, str) else value
        for field, value in content.items()
    }


def _differing(kept: Kept, row: Any, earlier: Any) -> list[str]:
    if earlier is None:
        return list(kept.fields) if row.number == 1 else []
    return [field for field in kept.fields if getattr(row, field) != getattr(earlier, field)]
