"""Holding lanes: an operator pauses or drains one, or all of a provider or source, and lets them go on.

A paused lane begins no mail; what waits, waits. A drained one gives what waits to other sources of its pool
and ends its connections. Both hold till somebody resumes what was said, word for word.
"""

from collections.abc import Sequence

from sidecars.deliverability.lane_policies import provider_name
from sidecars.deliverability.operator_log import record
from sidecars.deliverability.sources import ACTIVE, DEFAULT, NoSource
from sidecars.edge import lanes
from sidecars.edge.lane_states import LaneState
from sidecars.models import LaneControl, Source, database, now
from sidecars.names import LANES_ALL as ALL

PAUSE, DRAIN = "pause", "drain"


class NotHeld(Exception):
    """Nobody holds exactly this; the message says what holds it, if anything does."""


def hold(by: str, action: str, source: str, provider: str, reason: str) -> LaneControl:
    """`action` is PAUSE or DRAIN; `source` and `provider` may be `*`. Edges obey at once.

    In the place of what was said of the same lanes before. Raises NoSource, ProviderError.
    """
    provider = provider_name(provider)
    _refuse_unknown(source)
    with database.atomic():
        control = _control(source, provider) or LaneControl(source=source, provider=provider)
        control.action, control.reason, control.placed_by, control.placed_at = action, reason, by, now()
        control.save()
        record(by, f"{action} lane", f"{source}|{provider}", reason=reason)
    lanes.write()
    return control


def resume(by: str, source: str, provider: str, reason: str) -> None:
    """Takes back what `hold` said of exactly these. Raises NotHeld, ProviderError."""
    provider = provider_name(provider)
    with database.atomic():
        control = _control(source, provider)
        if control is None:
            raise NotHeld(_not_held(source, provider))
        control.delete_instance()
        record(by, "resume lane", f"{source}|{provider}", reason=reason, was=control.reason)
    lanes.write()


def which(source: str, provider: str) -> str:
    """`all lanes`, `google from every source`, `all mail from out-1`, `google from out-1`."""
    if source == ALL:
        return "all lanes" if provider == ALL else f"{provider} from every source"
    return f"all mail from {source}" if provider == ALL else f"{provider} from {source}"


def concerned(rows: Sequence[LaneState], source: str, provider: str) -> list[LaneState]:
    """The lanes that a control of `source` and `provider` means."""
    return [row for row in rows if source in (ALL, row.source) and provider in (ALL, row.provider)]


def effect(action: str, source: str, provider: str, rows: Sequence[LaneState]) -> str:
    """What pausing, draining or resuming does to the lanes as they are, in a sentence or two."""
    held = concerned(rows, source, provider)
    waiting, in_flight = sum(row.waiting for row in held), sum(row.in_flight for row in held)
    now_there = f"{waiting:,} {'mail waits' if waiting == 1 else 'mails wait'}, {in_flight:,} under way"
    if action == PAUSE:
        return f"{which(source, provider)}: no mail begins; what is under way ends by itself. {now_there}."
    if action == DRAIN:
        rest = (
            "waits" if source == ALL else "goes to other sources of its pool, or waits where there are none"
        )
        return (
            f"{which(source, provider)}: connections end after their mail; what is left {rest}. {now_there}."
        )
    return f"{which(source, provider)}: mail goes on at once, as fast as limits allow. {now_there}."


def _control(source: str, provider: str) -> LaneControl | None:
    same = (LaneControl.source == source, LaneControl.provider == provider)
    control: LaneControl | None = LaneControl.select().where(*same).for_update().first()
    return control


def _not_held(source: str, provider: str) -> str:
    wider = [
        control
        for control in LaneControl.select()
        if control.source in (ALL, source) and control.provider in (ALL, provider)
    ]
    if not wider:
        return f"Nobody holds {which(source, provider)}."
    said = "; ".join(f"{each.action} of {which(each.source, each.provider)}" for each in wider)
    return f"{which(source, provider)} is held by a wider word: {said}. Resume that."


def _refuse_unknown(source: str) -> None:
    if source == ALL:
        return
    names = [row.name for row in Source.select(Source.name).where(Source.state == ACTIVE)] or [DEFAULT]
    if source not in names:
        raise NoSource(source)
