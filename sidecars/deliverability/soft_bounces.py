"""Bounces that may pass: a full mailbox, a server that was away. Enough of them suppress for a while.

A dead mailbox often looks like this for months. Mail to it costs reputation, yet the next mail may arrive.
"""

from datetime import datetime, timedelta

from sidecars.deliverability.suppressions import suppress
from sidecars.models import SoftBounce, now
from sidecars.names import address_key
from sidecars.settings import settings

# What is over is cleared away as new ones come, a little each time.
CLEARED_AT_ONCE = 100


def count_soft_bounce(
    team_id: int, email: str, reason: str, detail: str, event_id: str, at: datetime
) -> None:
    """Counts a mail that bounced `at` (with time zone), and suppresses its recipient where that is enough.

    `reason` is soft_bounce or mailbox_full; that of the last bounce decides for how long. Idempotent by
    `event_id`: the term begins at the bounce, so one that is told late shortens or lengthens nothing.
    """
    address = address_key(email)
    SoftBounce.insert(
        team=team_id, email=address, event_id=event_id, bounced_at=at
    ).on_conflict_ignore().execute()
    window = timedelta(days=settings.soft_bounce_days)
    recent = (
        SoftBounce.select()
        .where(SoftBounce.team == team_id, SoftBounce.email == address, SoftBounce.bounced_at > at - window)
        .count()
    )
    if 0 < settings.suppress_after_soft_bounces <= recent:
        suppress(team_id, address, reason, detail=detail, event_id=event_id, expires_at=at + _term(reason))
    SoftBounce.delete().where(SoftBounce.bounced_at <= now() - window).limit(CLEARED_AT_ONCE).execute()


def _term(reason: str) -> timedelta:
    is_full = reason == "mailbox_full"
    return timedelta(
        days=settings.mailbox_full_suppression_days if is_full else settings.soft_suppression_days
    )
