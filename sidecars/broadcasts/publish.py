"""Publishing: a draft becomes a broadcast on its way, its content frozen as it is at that moment."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from sidecars.broadcasts import abtest, held, recipients, spending, timezones, wakeups
from sidecars.broadcasts.errors import FieldProblem, NotPublishable, WrongState
from sidecars.broadcasts.moves import READ_COMMITTED, move_broadcast
from sidecars.broadcasts.states import BroadcastState
from sidecars.mail.content import ContentError, ContentSource, FieldError, PreparedContent, prepare
from sidecars.models import Broadcast, Content, Link, SenderIdentity, Variant, database, now
from sidecars.usage.allowance import OutOfCredits

__all__ = [
    "FieldProblem",
    "NotPublishable",
    "WrongState",
    "publish",
    "publish_now",
    "schedule",
    "schedule_locally",
    "unschedule",
    "validate",
]

log = logging.getLogger(__name__)


def validate(broadcast_id: int) -> list[FieldProblem]:
    """Everything that keeps the broadcast from going out now; empty where nothing does."""
    broadcast = Broadcast.get_by_id(broadcast_id)
    problems = _examine(broadcast).problems
    try:
        if not problems:
            spending.check(broadcast)
    except OutOfCredits as error:
        return [_out_of_credits(error)]
    return problems


def publish(broadcast_id: int) -> Broadcast:
    """Freezes the content and starts planning; returns the broadcast as it then is.

    Where the team's credits are limited all that it may take are reserved. Raises NotPublishable with all
    problems, also where they are not left, and WrongState for what is neither a draft nor scheduled: of
    two calls one succeeds. The planner is woken after the commit; should that be lost, the clock does it.
    Raises what `recipients.chosen` does where it is not known who engaged, and nothing has changed.
    """
    with database.atomic(READ_COMMITTED):
        leaving = {BroadcastState.DRAFT, BroadcastState.SCHEDULED}
        if not move_broadcast(broadcast_id, leaving, BroadcastState.PLANNING, published_at=now()):
            raise WrongState(Broadcast.get_by_id(broadcast_id).state)
        broadcast = Broadcast.get_by_id(broadcast_id)
        examined = _examine(broadcast)
        if examined.problems:
            raise NotPublishable(examined.problems)
        for variant, prepared in examined.prepared:
            _freeze(variant, prepared)
        broadcast.choice = recipients.choice(broadcast)
        try:
            reserved = spending.reserve(broadcast)
        except OutOfCredits as error:
            raise NotPublishable([_out_of_credits(error)]) from error
        frozen = {"choice": broadcast.choice, "reserved": reserved, **held.at_publishing(broadcast)}
        Broadcast.update(**frozen).where(Broadcast.id == broadcast_id).execute()
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


def schedule_locally(broadcast_id: int, at: datetime, zone: str, when_past: str) -> Broadcast:
    """Sends it to each reader when their own clock shows `at` (without a zone), zone by zone.

    `zone` is that of readers of whom none is known; `when_past` (AT_ONCE or NEXT_DAY) is for those whose
    hour has passed already. It goes out, and is frozen, when the first zone's hour comes; at once where it
    has. Raises as `schedule` does.
    """
    broadcast = Broadcast.get_by_id(broadcast_id)
    problems = _examine(broadcast).problems
    if zone not in timezones.zones():
        problems.append(FieldProblem("timezone", "There is no such zone; “Europe/Berlin” is one."))
    if timezones.moment_in(timezones.LAST, at) <= now():
        problems.append(FieldProblem("local_time", "This hour has passed everywhere; choose a later one."))
    if broadcast.test_share:
        message = "A test waits for its winner, and cannot go by readers' own hours, too."
        problems.append(FieldProblem("local_time", message))
    if problems:
        raise NotPublishable(problems)
    first = timezones.moment_in(timezones.FIRST, at)
    fields = {"local_time": at.isoformat(timespec="seconds"), "timezone": zone, "when_past": when_past}
    draft = {BroadcastState.DRAFT}
    if first > now():
        if not move_broadcast(broadcast_id, draft, BroadcastState.SCHEDULED, scheduled_at=first, **fields):
            raise WrongState(Broadcast.get_by_id(broadcast_id).state)
        return Broadcast.get_by_id(broadcast_id)
    with database.atomic(READ_COMMITTED):
        if not Broadcast.update(**fields).where(*_is_draft(broadcast_id)).execute():
            raise WrongState(Broadcast.get_by_id(broadcast_id).state)
        return publish(broadcast_id)


def publish_now(broadcast_id: int) -> Broadcast:
    """To everyone at once, also what was scheduled by readers' own hours. Raises as `publish` does."""
    with database.atomic(READ_COMMITTED):
        Broadcast.update(local_time="").where(*_is_draft(broadcast_id, BroadcastState.SCHEDULED)).execute()
        return publish(broadcast_id)


def _is_draft(broadcast_id: int, *others: BroadcastState) -> tuple[Any, ...]:
    states = [state.value for state in (BroadcastState.DRAFT, *others)]
    return (Broadcast.id == broadcast_id, Broadcast.state.in_(states))


def unschedule(broadcast_id: int) -> Broadcast:
    """Makes a scheduled broadcast a draft again. Raises WrongState."""
    fields = {"scheduled_at": None, "local_time": ""}
    if not move_broadcast(broadcast_id, {BroadcastState.SCHEDULED}, BroadcastState.DRAFT, **fields):
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
        if variant.sender is not None:
            problems += [
                FieldProblem(f"variants.{index}.{each.field}", each.message)
                for each in sender_problems(variant.sender)
            ]
    problems += abtest.problems(broadcast, variants)
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


def _out_of_credits(error: OutOfCredits) -> FieldProblem:
    return FieldProblem("credits", str(error))


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
