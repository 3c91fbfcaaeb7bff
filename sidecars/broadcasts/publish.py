"""Publishing: a draft becomes a broadcast on its way, its content frozen as it is at that moment."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sidecars.broadcasts import recipients, wakeups
from sidecars.broadcasts.errors import FieldProblem, NotPublishable, WrongState
from sidecars.broadcasts.moves import move_broadcast
from sidecars.broadcasts.states import BroadcastState
from sidecars.mail.content import ContentError, ContentSource, FieldError, PreparedContent, prepare
from sidecars.models import Broadcast, Content, Link, SenderIdentity, Variant, database, now

__all__ = ["FieldProblem", "NotPublishable", "WrongState", "publish", "schedule", "unschedule", "validate"]

log = logging.getLogger(__name__)


def validate(broadcast_id: int) -> list[FieldProblem]:
    """Everything that keeps the broadcast from going out now; empty where nothing does."""
    return _examine(Broadcast.get_by_id(broadcast_id)).problems


def publish(broadcast_id: int) -> Broadcast:
    """Freezes the content and starts planning; returns the broadcast as it then is.

    Raises NotPublishable with all problems, and WrongState for what is neither a draft nor scheduled: of
    two calls one succeeds. The planner is woken after the commit; should that be lost, the clock does it.
    Raises what `recipients.chosen` does where it is not known who engaged, and nothing has changed.
    """
    with database.atomic():
        leaving = {BroadcastState.DRAFT, BroadcastState.SCHEDULED}
        if not move_broadcast(broadcast_id, leaving, BroadcastState.PLANNING, published_at=now()):
            raise WrongState(Broadcast.get_by_id(broadcast_id).state)
        broadcast = Broadcast.get_by_id(broadcast_id)
        examined = _examine(broadcast)
        if examined.problems:
            raise NotPublishable(examined.problems)
        for variant, prepared in examined.prepared:
            _freeze(variant, prepared)
        Broadcast.update(choice=recipients.choice(broadcast)).where(Broadcast.id == broadcast_id).execute()
        database.after_commit(lambda: wakeups.plan_soon(broadcast_id))
    log.info("broadcast published", extra={"team_id": broadcast.team_id, "broadcast_id": broadcast_id})
    return broadcast


def schedule(broadcast_id: int, at: datetime) -> Broadcast:
    """Has the clock publish the draft at `at` (with time zone); it stays open to changes until then.

    Raises NotPublishable, also for a moment that is not in the future, and WrongState.
    """
    broadcast = Broadcast.get_by_id(broadcast_id)
    problems = _examine(broadcast).problems
    if at <= now():
        problems.append(FieldProblem("scheduled_at", "Choose a moment in the future."))
    if problems:
        raise NotPublishable(problems)
    if not move_broadcast(broadcast_id, {BroadcastState.DRAFT}, BroadcastState.SCHEDULED, scheduled_at=at):
        raise WrongState(broadcast.state)
    return Broadcast.get_by_id(broadcast_id)


def unschedule(broadcast_id: int) -> Broadcast:
    """Makes a scheduled broadcast a draft again. Raises WrongState."""
    if not move_broadcast(broadcast_id, {BroadcastState.SCHEDULED}, BroadcastState.DRAFT, scheduled_at=None):
        raise WrongState(Broadcast.get_by_id(broadcast_id).state)
    return Broadcast.get_by_id(broadcast_id)


@dataclass(frozen=True)
class _Examined:
    problems: list[FieldProblem]
    prepared: list[tuple[Variant, PreparedContent]]


def _examine(broadcast: Broadcast) -> _Examined:
    problems = [*sender_problems(broadcast.sender), *_audience_problems(broadcast)]
    variants = list(Variant.select().where(Variant.broadcast == broadcast).order_by(Variant.id))
    prepared = []
    for index, variant in enumerate(variants):
        try:
            prepared.append((variant, prepare_variant(variant)))
        except ContentError as error:
            place = f"variants.{index}." if len(variants) > 1 else ""
            problems += [FieldProblem(place + each.field, _sentence(each)) for each in error.errors]
    share = sum(variant.weight for variant in variants)
    if not variants:
        problems.append(FieldProblem("variants", "Write the mail first."))
    elif share != 100:
        problems.append(FieldProblem("variants", f"The weights must add up to 100; they make {share}."))
    return _Examined(problems, prepared)


def prepare_variant(variant: Variant) -> PreparedContent:
    """The variant's content as publishing would freeze it. Raises ContentError."""
    content = variant.content
    kind = cast(Literal["mjml", "html"], content.kind)
    return prepare(ContentSource(kind, content.subject, content.preheader, content.body, content.text))


def sender_problems(sender: SenderIdentity) -> Iterator[FieldProblem]:
    """What keeps anything from going out in the sender's name."""
    domain = sender.domain
    if domain is None:
        yield FieldProblem("sender_id", f"The domain of {sender.address} was removed: choose another sender.")
    elif domain.verified_at is None:
        yield FieldProblem(
            "sender_id", f"{domain.name} is not verified: publish its DNS records, then verify the domain."
        )


def _audience_problems(broadcast: Broadcast) -> Iterator[FieldProblem]:
    try:
        if not recipients.any_chosen(broadcast):
            yield FieldProblem("audience_id", "Nobody is subscribed here; the broadcast would reach no one.")
    except recipients.UnsupportedFilter as error:
        yield FieldProblem("segment_id", f"Whom it goes to cannot be told: {error}.")


def _freeze(variant: Variant, prepared: PreparedContent) -> None:
    frozen = {
        "subject": prepared.subject,
        "preheader": prepared.preheader,
        "html": prepared.html,
        "text": prepared.text,
    }
    Content.update(prepared=frozen, updated_at=now()).where(Content.id == variant.content_id).execute()
    Link.delete().where(Link.variant == variant).execute()
    rows = [{"variant": variant, "idx": link.index, "url": link.url} for link in prepared.links]
    if rows:
        Link.insert_many(rows).execute()


def _sentence(error: FieldError) -> str:
    return f"Line {error.line}: {error.message}" if error.line else error.message
