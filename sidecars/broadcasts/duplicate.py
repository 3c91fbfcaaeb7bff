"""A broadcast written once more: to the same people, or to those of them who did not open it."""

from sidecars.audiences.segments import store
from sidecars.broadcasts import drafts
from sidecars.broadcasts.drafts import VariantDraft
from sidecars.broadcasts.errors import WrongState
from sidecars.models import Broadcast, Segment, Variant

# What a copy takes over; when it goes is its own.
FIELDS = (
    "audience_id",
    "segment_id",
    "exclusions",
    "sender_id",
    "track_opens",
    "track_clicks",
    "test_share",
    "test_criterion",
    "test_wait_minutes",
)


def duplicate(broadcast: Broadcast, name: str, to_non_openers: bool = False) -> Broadcast:
    """A draft with the same mail. `to_non_openers`: to a segment of those who got it and did not open it.

    Raises WrongState where nobody can have opened it, as it is not published.
    """
    fields = {field: getattr(broadcast, field) for field in FIELDS}
    if to_non_openers:
        if broadcast.state in drafts.CHANGEABLE:
            raise WrongState(broadcast.state)
        # They were chosen once, and whoever was left out then did not get it.
        fields |= {"segment_id": _non_openers(broadcast).id, "exclusions": None}
    variants = [_as_draft(variant) for variant in drafts.variants_of(broadcast.id)]
    return drafts.create(broadcast.team_id, variants, name=name, **fields)


def _non_openers(broadcast: Broadcast) -> Segment:
    shown = f"bc_{broadcast.id}"
    name = f"Did not open {shown}"
    known: Segment | None = Segment.get_or_none(
        Segment.audience == broadcast.audience_id, Segment.name == name
    )
    if known is not None:
        return known
    received = {"engagement": "received", "broadcasts": [shown]}
    opened = {"engagement": "opened", "broadcasts": [shown]}
    return store.create(broadcast.audience, name, {"all": [received, {"not": opened}]})


def _as_draft(variant: Variant) -> VariantDraft:
    content = variant.content
    return VariantDraft(
        content.kind,
        content.subject,
        content.preheader,
        content.body,
        content.text,
        variant.name,
        variant.weight,
        content.template_id,
        content.template_version,
        variant.sender_id,
    )
