"""Segments as their team makes, changes and deletes them."""

from collections.abc import Iterable
from typing import Any

from peewee import IntegrityError

from sidecars.audiences import properties
from sidecars.audiences.segments.language import VERSION, Condition, Json, Known, read
from sidecars.models import Audience, Broadcast, Segment, Tag, database, now

# Broadcasts that would miss the segment: those whose people are not frozen yet.
_UNFROZEN = (
    Broadcast.planned_at.is_null(),
    Broadcast.choice.is_null(),
    Broadcast.state.not_in(("cancelled", "stopped")),
)


class SegmentExists(Exception):
    """The audience has a segment of this name."""


class SegmentInUse(Exception):
    """Broadcasts that did not go out yet need it; `broadcasts` are these."""

    def __init__(self, broadcasts: list[Broadcast]) -> None:
        super().__init__(", ".join(f"bc_{each.id}" for each in broadcasts))
        self.broadcasts = broadcasts


def known(audience: Audience) -> Known:
    """What a filter over the audience may speak of."""

    def has_tag(name: str) -> bool:
        return Tag.select().where(Tag.audience == audience, Tag.name == name).exists()

    def is_broadcast(*where: Any) -> bool:
        return Broadcast.select().where(Broadcast.team == audience.team_id, *where).exists()

    return Known(
        properties.declared(audience.id),
        has_tag,
        went_here=lambda id_: is_broadcast(Broadcast.id == id_, Broadcast.audience == audience),
        is_ours=lambda id_: is_broadcast(Broadcast.id == id_),
    )


def condition_of(segment: Segment) -> Condition:
    """What its filter says. Raises FilterError where it speaks of a property that is gone."""
    return read(segment.filter, Known(properties.declared(segment.audience_id)))


def create(audience: Audience, name: str, given: Json) -> Segment:
    """Raises FilterError, SegmentExists."""
    read(given, known(audience))
    try:
        return Segment.create(audience=audience, name=name, version=VERSION, filter=given, updated_at=now())
    except IntegrityError as error:
        raise SegmentExists(name) from error


def change(segment: Segment, name: str | None, given: Json | None) -> Segment:
    """None leaves it as it is. What was published goes by the filter of then. Raises as `create`."""
    fields: dict[str, Any] = {"updated_at": now()}
    if name is not None:
        fields["name"] = name
    if given is not None:
        read(given, known(segment.audience))
        fields |= {"filter": given, "version": VERSION}
        fields |= dict.fromkeys(("contacts", "subscribed", "counted_at", "recount_at"))
    try:
        Segment.update(**fields).where(Segment.id == segment.id).execute()
    except IntegrityError as error:
        raise SegmentExists(name or segment.name) from error
    return Segment.get_by_id(segment.id)


def delete(segment: Segment) -> None:
    """Raises SegmentInUse. Broadcasts that went out to it keep their people, and know it no more."""
    with database.atomic():
        Segment.select().where(Segment.id == segment.id).for_update().first()
        if broadcasts := used_by(segment):
            raise SegmentInUse(broadcasts)
        Broadcast.update(segment=None).where(Broadcast.segment == segment).execute()
        for each in _leaving_out(segment):
            others = [id_ for id_ in each.exclusions["segments"] if id_ != segment.id]
            fewer = each.exclusions | {"segments": others}
            Broadcast.update(exclusions=fewer).where(Broadcast.id == each.id).execute()
        Segment.delete().where(Segment.id == segment.id).execute()


def used_by(segment: Segment) -> list[Broadcast]:
    """Broadcasts yet to be published that go to the segment, or leave it out."""
    to_it = Broadcast.select().where(Broadcast.segment == segment, *_UNFROZEN)
    return list({each.id: each for each in (*to_it, *_leaving_out(segment, *_UNFROZEN))}.values())


def _leaving_out(segment: Segment, *where: Any) -> list[Broadcast]:
    rows = Broadcast.select().where(
        Broadcast.audience == segment.audience_id, Broadcast.exclusions.is_null(False), *where
    )
    return [each for each in rows if segment.id in (each.exclusions or {}).get("segments", ())]


def segment_of(team_id: int, segment_id: int) -> Segment | None:
    """The segment, if it is of an audience of the team."""
    return (
        Segment.select(Segment, Audience)
        .join(Audience)
        .where(Segment.id == segment_id, Audience.team == team_id)
        .get_or_none()
    )


def of_audience(audience_id: int, ids: Iterable[int]) -> dict[int, Segment]:
    """Those of the ids that are segments of the audience."""
    rows = Segment.select().where(Segment.audience == audience_id, Segment.id.in_(list(ids)))
    return {segment.id: segment for segment in rows}


def page(audience_id: int, after: int, limit: int) -> list[Segment]:
    """The audience's segments beyond id `after`, in the order in which they were made."""
    query = Segment.select(Segment, Audience).join(Audience)
    query = query.where(Segment.audience == audience_id, Segment.id > after)
    return list(query.order_by(Segment.id).limit(limit))
