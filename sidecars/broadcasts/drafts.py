"""Broadcasts while they are written: made, read and changed by their team until they go out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sidecars.audiences.segments import store
from sidecars.broadcasts.errors import WrongState
from sidecars.broadcasts.states import BroadcastState
from sidecars.models import Audience, Broadcast, Content, SenderIdentity, Variant, database, now

# `schedule` leaves a broadcast open to changes until its moment comes.
CHANGEABLE = (BroadcastState.DRAFT.value, BroadcastState.SCHEDULED.value)


class UnknownReference(ValueError):
    """The team has no such audience, segment, tag …, or it does not fit; `field` names which."""

    def __init__(self, field: str, message: str = "") -> None:
        super().__init__(message or f"You have no {field.removesuffix('_id')} with this id.")
        self.field = field


@dataclass(frozen=True)
class VariantDraft:
    """One version of a broadcast's mail, as its author wrote it; it may be unfinished.

    The template is what it was made from, if it was: its text is here.
    """

    kind: str
    subject: str
    preheader: str
    body: str
    text: str | None
    name: str = ""
    weight: int = 100
    template_id: int | None = None
    template_version: int | None = None
    sender_id: int | None = None


def create(team_id: int, variants: Sequence[VariantDraft], **fields: Any) -> Broadcast:
    """A draft. `fields` are columns of Broadcast: name, audience_id (else that of the segment), segment_id …

    Raises UnknownReference.
    """
    _check_references(team_id, fields, None)
    _check_senders(team_id, variants)
    with database.atomic():
        broadcast: Broadcast = Broadcast.create(team=team_id, **fields)
        _write_variants(broadcast, variants)
    return broadcast


def change(broadcast_id: int, variants: Sequence[VariantDraft] | None, **fields: Any) -> Broadcast:
    """Changes fields, and replaces all variants where some are given. Raises UnknownReference, WrongState."""
    with database.atomic():
        # Locked, so that what is being published is not changed halfway.
        broadcast = Broadcast.select().where(Broadcast.id == broadcast_id).for_update().get()
        if broadcast.state not in CHANGEABLE:
            raise WrongState(broadcast.state)
        _check_references(broadcast.team_id, fields, broadcast)
        Broadcast.update(updated_at=now(), **fields).where(Broadcast.id == broadcast_id).execute()
        if variants is not None:
            _check_senders(broadcast.team_id, variants)
            _delete_variants(broadcast)
            _write_variants(broadcast, variants)
    return Broadcast.get_by_id(broadcast_id)


def broadcast_of(team_id: int, broadcast_id: int) -> Broadcast | None:
    """The broadcast, if it is the team's."""
    return Broadcast.get_or_none(Broadcast.id == broadcast_id, Broadcast.team == team_id)


def page(team_id: int, before: int, limit: int) -> list[Broadcast]:
    """The team's broadcasts below id `before` (0: all), the latest first."""
    query = Broadcast.select().where(Broadcast.team == team_id)
    if before:
        query = query.where(Broadcast.id < before)
    return list(query.order_by(Broadcast.id.desc()).limit(limit))


def variants_of(broadcast_id: int) -> list[Variant]:
    """Its variants with their contents, in the order in which they were written."""
    query = Variant.select(Variant, Content).join(Content).where(Variant.broadcast == broadcast_id)
    return list(query.order_by(Variant.id))


def _check_references(team_id: int, fields: dict[str, Any], before: Broadcast | None) -> None:
    """Of what is said anew. A segment by itself says its audience, too, which is added to `fields`."""
    if fields.get("segment_id") is not None:
        segment = store.segment_of(team_id, fields["segment_id"])
        if segment is None:
            raise UnknownReference("segment_id")
        fields.setdefault("audience_id", segment.audience_id)
    for field, model in (("audience_id", Audience), ("sender_id", SenderIdentity)):
        if field in fields and not model.get_or_none(model.id == fields[field], model.team == team_id):
            raise UnknownReference(field)
    if fields.keys() & {"audience_id", "segment_id", "exclusions"}:
        _check_people(
            Audience.get_by_id(fields.get("audience_id", before and before.audience_id)),
            fields.get("segment_id", before and before.segment_id),
            fields.get("exclusions", before and before.exclusions) or {},
        )


def _check_people(audience: Audience, segment_id: int | None, exclusions: dict[str, list[Any]]) -> None:
    """Segments and tags are those of the audience, broadcasts of its team. Raises UnknownReference."""
    if segment_id is not None and not store.of_audience(audience.id, [segment_id]):
        message = "It is a segment of another audience; null stands for all of this one."
        raise UnknownReference("segment_id", message)
    known = store.known(audience)
    segments = store.of_audience(audience.id, exclusions.get("segments", ()))
    checks: dict[str, Callable[[Any], bool]] = {
        "segments": lambda id_: id_ in segments,
        "tags": known.has_tag,
        "broadcasts": known.is_ours,
    }
    for what, is_there in checks.items():
        for place, each in enumerate(exclusions.get(what, ())):
            if not is_there(each):
                raise UnknownReference(f"exclusions.{what}.{place}", f"It is none of the {what} here.")


def _check_senders(team_id: int, variants: Sequence[VariantDraft]) -> None:
    for index, variant in enumerate(variants):
        its_own = (SenderIdentity.id == variant.sender_id, SenderIdentity.team == team_id)
        if variant.sender_id is not None and not SenderIdentity.get_or_none(*its_own):
            raise UnknownReference(f"variants.{index}.sender_id", "You have no sender with this id.")


def _write_variants(broadcast: Broadcast, variants: Sequence[VariantDraft]) -> None:
    for variant in variants:
        content = Content.create(
            team=broadcast.team_id,
            kind=variant.kind,
            subject=variant.subject,
            preheader=variant.preheader,
            body=variant.body,
            text=variant.text,
            template_id=variant.template_id,
            template_version=variant.template_version,
        )
        Variant.create(
            broadcast=broadcast,
            content=content,
            sender=variant.sender_id,
            name=variant.name,
            weight=variant.weight,
        )


def _delete_variants(broadcast: Broadcast) -> None:
    content_ids = [variant.content_id for variant in variants_of(broadcast.id)]
    Variant.delete().where(Variant.broadcast == broadcast).execute()
    Content.delete().where(Content.id.in_(content_ids)).execute()
