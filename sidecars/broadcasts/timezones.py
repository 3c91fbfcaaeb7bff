"""Broadcasts that reach each reader at the same hour of their own day.

A contact's zone is its property `timezone`, an IANA name such as `Europe/Berlin`; who has none, or one that
nobody knows, is in the broadcast's. It is read when the hour may have come, so a contact that moves meanwhile
is written to by its new zone, and once.

An hour that a change to summer time leaves out is an hour later, one that comes twice is the first
(RFC 5545 section 3.3.5; PEP 495's fold of 0 means the same).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from sidecars.audiences.properties import in_sql
from sidecars.broadcasts.held import ANYONE, Sql, by_weight, release
from sidecars.models import Broadcast

PROPERTY = "timezone"
# Where an hour comes first and last: UTC+14 and -12, as POSIX writes them the other way round.
FIRST, LAST = "Etc/GMT-14", "Etc/GMT+12"
AT_ONCE, NEXT_DAY = "at_once", "next_day"
DAY = timedelta(days=1)


@cache
def zones() -> frozenset[str]:
    """All names that there are."""
    return frozenset(available_timezones())


def moment_in(zone: str, wall_clock: datetime) -> datetime:
    """When clocks in the zone show that time (a datetime without a zone), in UTC."""
    return wall_clock.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def moments(wall_clock: datetime, begun: datetime, when_past: str) -> dict[str, datetime]:
    """When each zone is written to, in UTC; `begun` is when the broadcast went out to the first.

    Where the hour had passed by then it is at once, or the next day that has it yet to come.
    """
    found = {}
    for zone in zones():
        day = wall_clock
        while when_past == NEXT_DAY and moment_in(zone, day) < begun:
            day += DAY
        found[zone] = moment_in(zone, day)
    return found


def release_due(broadcast: Broadcast, at: datetime) -> datetime | None:
    """Releases those whose hour has come at `at`; returns when the next hour does, None: there is none."""
    hours = moments_of(broadcast)
    later = [moment for moment in hours.values() if moment > at]
    whom = _due(hours, broadcast.timezone, at) if later else ANYONE
    release(broadcast, by_weight(broadcast, "contact_id"), whom)
    return min(later, default=None)


def moments_of(broadcast: Broadcast) -> dict[str, datetime]:
    """The same for a published broadcast."""
    begun = broadcast.scheduled_at or broadcast.published_at
    return moments(datetime.fromisoformat(broadcast.local_time), begun, broadcast.when_past)


def _due(hours: Mapping[str, datetime], fallback: str, at: datetime) -> Sql:
    """The condition that a contact's hour has come."""
    zone, parameters = in_sql(PROPERTY, "text")
    due = {name for name, moment in hours.items() if moment <= at}
    named = sorted(hours.keys() - due if fallback in due else due)
    if not named:
        return ("TRUE" if fallback in due else "FALSE"), []
    places = ", ".join(["%s"] * len(named))
    if fallback in due:
        return f"COALESCE({zone}, '') NOT IN ({places})", [*parameters, *named]
    return f"COALESCE({zone}, '') IN ({places})", [*parameters, *named]
