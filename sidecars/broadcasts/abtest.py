"""A/B tests: a share of the audience gets the variants, the rest later the one that did best.

The wait begins when the test's last mail was handed over. The winner is written down before anything is
released, so whoever goes on after a death finds the same one.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import cast

from sidecars.analytics.client import query
from sidecars.broadcasts.errors import FieldProblem, WrongState
from sidecars.broadcasts.held import release
from sidecars.broadcasts.states import BroadcastState
from sidecars.broadcasts.winner import Criterion, Tried, choose
from sidecars.models import Broadcast, SendSlice, Variant
from sidecars.models.moments import from_now

log = logging.getLogger(__name__)

# What ClickHouse counts of a variant, by criterion: by people, once a mail.
_COUNTED = {"opens": "opened_by_people", "clicks": "clicked_by_people"}


class NoSuchVariant(LookupError):
    """The broadcast has no variant with this id."""


def problems(broadcast: Broadcast, variants: Sequence[Variant]) -> Iterator[FieldProblem]:
    """What keeps a test from being made."""
    if not broadcast.test_share:
        return
    if len(variants) < 2:
        yield FieldProblem("test", "A test needs two variants or more.")
    if broadcast.local_time:
        message = "A test waits for its winner, and cannot go by readers' own hours, too."
        yield FieldProblem("test", message)
    if broadcast.test_criterion == "opens" and not broadcast.track_opens:
        yield FieldProblem("test.criterion", "Opens are not tracked; track them, or let clicks decide.")
    if broadcast.test_criterion == "clicks" and not broadcast.track_clicks:
        yield FieldProblem("test.criterion", "Clicks are not tracked; track them, or let opens decide.")


def begin_wait(broadcast: Broadcast) -> bool:
    """Once all of the test is handed over the wait begins. True: it does now."""
    left = SendSlice.broadcast == broadcast, SendSlice.state.in_(("open", "claimed"))
    if SendSlice.select().where(*left).exists():
        return False
    seconds = 60 * (broadcast.test_wait_minutes or 0)
    waiting = Broadcast.update(release_at=from_now(seconds)).where(
        Broadcast.id == broadcast.id, Broadcast.held, Broadcast.release_at.is_null()
    )
    return bool(waiting.execute())


def send_rest(broadcast: Broadcast) -> None:
    """Chooses the winner, if that is not done, and releases the rest to it.

    Raises clickhouse_driver.errors.Error or OSError where ClickHouse does not answer: it is tried again.
    """
    if broadcast.winner_id is None:
        _write_down(broadcast)
        broadcast = Broadcast.get_by_id(broadcast.id)  # another process may have been first
    release(broadcast, ("%s", [broadcast.winner_id]))


def choose_now(broadcast: Broadcast, variant_id: int) -> None:
    """A person ends the test and chooses. Raises NoSuchVariant, and WrongState where no test goes on."""
    variants = _variants(broadcast)
    place = next((index for index, each in enumerate(variants) if each.id == variant_id), None)
    if place is None:
        raise NoSuchVariant(variant_id)
    name = variants[place].name or f"Variant {place + 1}"
    on_its_way = (BroadcastState.PLANNING, BroadcastState.SENDING, BroadcastState.PAUSED)
    chosen = Broadcast.update(
        winner_id=variant_id,
        release_at=from_now(),
        verdict={"is_clear": False, "explanation": f"“{name}” was chosen by hand.", "variants": []},
    ).where(
        Broadcast.id == broadcast.id,
        Broadcast.held,
        Broadcast.test_share.is_null(False),
        Broadcast.winner_id.is_null(),
        Broadcast.state.in_([state.value for state in on_its_way]),
    )
    if not chosen.execute():
        raise WrongState(Broadcast.get_by_id(broadcast.id).state)


def tried(broadcast: Broadcast) -> list[Tried]:
    """The figures so far. Raises as `send_rest`."""
    rows = query("by_variant", team_id=broadcast.team_id, broadcast_id=broadcast.id)
    counts = {row["variant_id"]: row for row in rows}
    nothing = dict.fromkeys(("delivered", *_COUNTED.values()), 0)
    counted = _COUNTED[_criterion(broadcast)]
    return [
        Tried(variant.id, variant.name, row["delivered"], row[counted])
        for variant in _variants(broadcast)
        for row in [counts.get(variant.id, nothing)]
    ]


def _write_down(broadcast: Broadcast) -> None:
    figures = tried(broadcast)
    verdict = choose(figures, _criterion(broadcast), seed=broadcast.id)
    told = {
        "is_clear": verdict.is_clear,
        "explanation": verdict.explanation,
        "variants": [
            asdict(each) | {"probability_best": probability}
            for each, probability in zip(figures, verdict.probabilities, strict=True)
        ],
    }
    written = Broadcast.update(winner_id=verdict.winner_id, verdict=told).where(
        Broadcast.id == broadcast.id, Broadcast.winner_id.is_null()
    )
    if written.execute():
        log.info("winner chosen", extra={"broadcast_id": broadcast.id, "why": verdict.explanation})


def _criterion(broadcast: Broadcast) -> Criterion:
    return cast(Criterion, broadcast.test_criterion)


def _variants(broadcast: Broadcast) -> list[Variant]:
    return list(Variant.select().where(Variant.broadcast == broadcast).order_by(Variant.id))
