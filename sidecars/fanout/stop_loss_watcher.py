"""The fan-out's thread that stops what does harm: broadcasts, and what programs submit.

ClickHouse may be slow; no mail waits.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sidecars.analytics.client import query
from sidecars.broadcasts import control
from sidecars.broadcasts.apps import tell_stopped
from sidecars.broadcasts.errors import WrongState
from sidecars.broadcasts.states import BroadcastState
from sidecars.deliverability import mail_streams
from sidecars.deliverability.stop_loss import Answers, Limits, harm
from sidecars.models import Broadcast, database, now
from sidecars.notices import outbox
from sidecars.settings import settings
from sidecars.telemetry import product_event

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 10.0


def keep_watching_losses(stopping: threading.Event) -> None:
    """Looks until `stopping`. Several processes may: each stops once, and its team is told once."""
    while not stopping.is_set():
        try:
            with database.connection_context():
                look()
        except Exception:
            log.exception("losses could not be counted, it is tried again")
        stopping.wait(LOOK_EVERY_SECONDS)


def look() -> None:
    """Pauses broadcasts and stops streams that pass a limit."""
    look_at_broadcasts()
    look_at_streams()


def look_at_broadcasts() -> None:
    """Each by itself, then all of a team that pass a limit together."""
    teams: dict[int, list[Broadcast]] = defaultdict(list)
    for broadcast in _on_their_way():
        teams[broadcast.team_id].append(broadcast)
    for team_id, broadcasts in teams.items():
        others = [each for each in broadcasts if not _paused_for_its_own(team_id, each)]
        if reason := _harm_of_broadcasts(team_id, others):
            for broadcast in others:
                _pause(broadcast, f"Paused with all of the team's broadcasts: {reason}.")


def look_at_streams() -> None:
    """What a team submits on one stream, of a window."""
    since = datetime.now(UTC) - max(window for window, _, _ in _windows())
    for row in query("submitting", since=since, least_mails=settings.stop_loss_least_mails):
        team_id, name = row["team_id"], row["stream"]
        stream = mail_streams.of(team_id, name)
        if stream.stopped_at is not None:
            continue
        reason = _harm_of(team_id, [0], stream.resumed_at, name)
        if reason and mail_streams.stop(team_id, name, reason):
            ids = {"team_id": team_id, "stream": name}
            log.warning("stream stopped by its losses", extra=ids | {"reason": reason})
            product_event(team_id, "stream stopped by its losses", {"stream": name})


def _on_their_way() -> list[Broadcast]:
    """With those that were sent and whose mails may still count. What is held back already does not."""
    longest = max(window for window, _, _ in _windows())
    moving = (BroadcastState.PLANNING.value, BroadcastState.SENDING.value)
    sent_lately = (Broadcast.state == BroadcastState.SENT.value) & (
        Broadcast.published_at.is_null(False)
        & (Broadcast.finished_at.is_null() | (Broadcast.finished_at > now() - longest))
    )
    return list(Broadcast.select().where(Broadcast.state.in_(moving) | sent_lately))


def _paused_for_its_own(team_id: int, broadcast: Broadcast) -> bool:
    reason = _harm_of_broadcasts(team_id, [broadcast])
    return reason is not None and _pause(broadcast, f"Paused: {reason}.")


def _harm_of_broadcasts(team_id: int, broadcasts: Sequence[Broadcast]) -> str | None:
    """Of mails taken after somebody last said of one of them that it should go on."""
    if not broadcasts:
        return None
    resumed = [each.resumed_at for each in broadcasts if each.resumed_at is not None]
    return _harm_of(team_id, [each.id for each in broadcasts], max(resumed, default=None))


def _harm_of(
    team_id: int, broadcast_ids: Sequence[int], resumed_at: datetime | None, stream: str = ""
) -> str | None:
    """Which limit these broadcasts pass together, if they do; 0 is what the team submits on the stream."""
    moment = datetime.now(UTC)
    for window, patience, limits in _windows():
        since = moment - window
        rows = query(
            "answers",
            team_id=team_id,
            broadcast_ids=broadcast_ids,
            stream=stream,
            since=max(since, resumed_at or since),
            until=moment - patience,
        )
        if reason := harm([Answers(**row) for row in rows], limits):
            return reason
    return None


def _windows() -> tuple[tuple[timedelta, timedelta, Limits], ...]:
    """How long mails count, how long each has for an answer, and the limits of such answers."""
    return (
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


def _pause(broadcast: Broadcast, reason: str) -> bool:
    """Pauses it and tells its team, or does neither."""
    try:
        with database.atomic():
            control.pause(broadcast.id, reason)
            tell_stopped(broadcast.id)
            facts = {"broadcast_id": broadcast.id, "name": broadcast.name, "reason": reason}
            since = f"{broadcast.resumed_at or broadcast.published_at}"
            outbox.tell(broadcast.team_id, "broadcast_paused", f"broadcast:{broadcast.id}", since, **facts)
    except WrongState:  # its people were first, or no edge has mails of it any more
        return False
    log.warning("broadcast paused by its losses", extra={"broadcast_id": broadcast.id, "reason": reason})
    product_event(broadcast.team_id, "broadcast paused by its losses", {"broadcast_id": broadcast.id})
    return True
