"""The fan-out's thread that pauses broadcasts that do harm. ClickHouse may be slow; no mail waits."""

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sidecars.analytics.client import query
from sidecars.broadcasts import control
from sidecars.broadcasts.errors import WrongState
from sidecars.broadcasts.states import BroadcastState
from sidecars.deliverability.stop_loss import Answers, Limits, harm
from sidecars.models import Broadcast, database, now
from sidecars.settings import settings
from sidecars.telemetry import product_event

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 10.0


def keep_watching_losses(stopping: threading.Event) -> None:
    """Looks until `stopping`. Several processes may: a broadcast is paused once."""
    while not stopping.is_set():
        try:
            with database.connection_context():
                look()
        except Exception:
            log.exception("losses could not be counted, it is tried again")
        stopping.wait(LOOK_EVERY_SECONDS)


def look() -> None:
    """Pauses each broadcast that passes a limit, and all of a team that pass one together."""
    teams: dict[int, list[Broadcast]] = defaultdict(list)
    for broadcast in _on_their_way():
        teams[broadcast.team_id].append(broadcast)
    for team_id, broadcasts in teams.items():
        others = [each for each in broadcasts if not _paused_for_its_own(team_id, each)]
        if reason := _harm_of(team_id, others):
            for broadcast in others:
                _pause(broadcast, f"Paused with all of the team's broadcasts: {reason}.")


def _on_their_way() -> list[Broadcast]:
    """With those that were sent and whose mails may still count. What is held back already does not."""
    longest = max(settings.stop_loss_minutes / 60, settings.stop_loss_complaint_hours)
    moving = (BroadcastState.PLANNING.value, BroadcastState.SENDING.value)
    sent_lately = (Broadcast.state == BroadcastState.SENT.value) & (
        Broadcast.published_at.is_null(False)
        & (Broadcast.finished_at.is_null() | (Broadcast.finished_at > now() - timedelta(hours=longest)))
    )
    return list(Broadcast.select().where(Broadcast.state.in_(moving) | sent_lately))


def _paused_for_its_own(team_id: int, broadcast: Broadcast) -> bool:
    reason = _harm_of(team_id, [broadcast])
    return reason is not None and _pause(broadcast, f"Paused: {reason}.")


def _harm_of(team_id: int, broadcasts: Sequence[Broadcast]) -> str | None:
    """Which limit they pass together, if they do."""
    windows = (
        (
            timedelta(minutes=settings.stop_loss_minutes),
            timedelta(seconds=settings.stop_loss_patience_seconds),
            Limits(
                settings.stop_loss_least_mails,
                hard_bounces=settings.stop_loss_hard_bounce_percent,
                blocked=settings.stop_loss_blocked_percent,
            ),
        ),
        (
            timedelta(hours=settings.stop_loss_complaint_hours),
            timedelta(minutes=settings.stop_loss_complaint_patience_minutes),
            Limits(settings.stop_loss_least_mails, complaints=settings.stop_loss_complaint_percent),
        ),
    )
    for window, patience, limits in windows if broadcasts else ():
        if reason := harm(_answers(team_id, broadcasts, window, patience), limits):
            return reason
    return None


def _answers(
    team_id: int, broadcasts: Sequence[Broadcast], window: timedelta, patience: timedelta
) -> list[Answers]:
    """Of mails taken after somebody last said that it should go on."""
    moment = datetime.now(UTC)
    resumed = [each.resumed_at for each in broadcasts if each.resumed_at is not None]
    rows = query(
        "answers",
        team_id=team_id,
        broadcast_ids=[each.id for each in broadcasts],
        since=max([moment - window, *resumed]),
        until=moment - patience,
    )
    return [Answers(**row) for row in rows]


def _pause(broadcast: Broadcast, reason: str) -> bool:
    try:
        control.pause(broadcast.id, reason)
    except WrongState:  # its people were first, or no edge has mails of it any more
        return False
    log.warning("broadcast paused by its losses", extra={"broadcast_id": broadcast.id, "reason": reason})
    product_event(broadcast.team_id, "broadcast paused by its losses", {"broadcast_id": broadcast.id})
    return True
