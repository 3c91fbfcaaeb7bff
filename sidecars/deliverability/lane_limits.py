"""What a lane may send, as edges work it out (haraka/plugins/lib/policies.js): for telling beforehand.

An operator's policy of the provider, then that of all, then what is known (limits.json), then what holds for
all; and the ceiling of a day while the source warms up.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sidecars.deliverability import warmup
from sidecars.deliverability.providers import EDGE
from sidecars.deliverability.sources import ACTIVE, DEFAULT
from sidecars.models import LaneControl, LanePolicy, Source, Warmup
from sidecars.names import LANES_ALL as ALL

# An edge spreads a minute's mails over 61.5 s, so that no minute has more (docs/shaping.md).
SLOTS_SECONDS = 61.5


@dataclass(frozen=True)
class Ceiling:
    """Most mails of a day. Providers of one `counter` of a source share it."""

    counter: str
    mails: int


class LaneLimits:
    """All that operators say, read once."""

    def __init__(self) -> None:
        self._policies = {row.provider: row for row in LanePolicy.select()}
        self._held = {(row.source, row.provider): row for row in LaneControl.select()}
        self._plans: dict[tuple[str, str], Warmup] = {
            (row.source.name, row.provider): row for row in Warmup.select(Warmup, Source).join(Source)
        }

    def per_minute(self, provider: str) -> int:
        """Mails of each lane to the provider."""
        return int(self._said(provider, "per_minute"))

    def hold_of(self, source: str, provider: str) -> LaneControl | None:
        """What keeps the lane from sending at all."""
        lanes = ((source, provider), (source, ALL), (ALL, provider), (ALL, ALL))
        return next((self._held[lane] for lane in lanes if lane in self._held), None)

    def ceiling(self, source: str, provider: str, day: date) -> Ceiling | None:
        """Of a day in UTC; None where there is none."""
        per_day = self._said(provider, "per_day")
        counter = provider if (source, provider) in self._plans else ALL
        plan = self._plans.get((source, counter))
        days = {date.fromisoformat(each): mails for each, mails in plan.days.items()} if plan else {}
        planned = warmup.ceiling(days, day)
        if plan is None or planned is None:
            return Ceiling(provider, int(per_day)) if per_day else None
        mails = planned if counter == ALL or per_day is None else min(planned, int(per_day))
        return Ceiling(counter, mails)

    def _said(self, provider: str, field: str) -> Any:
        sayings = (self._policies.get(provider), self._policies.get(ALL))
        known = (_known().get(provider, {}).get(field), _known()[ALL][field])
        said = [value for policy in sayings if policy and (value := getattr(policy, field)) is not None]
        return next((value for value in (*said, *known) if value is not None), None)


def sources_of(team_id: int, pool: str) -> list[str]:
    """Names of the sources that take the team's mail of a pool: its own where it has any."""
    rows = list(Source.select().where(Source.state == ACTIVE).order_by(Source.name))
    if not rows:
        return [DEFAULT]
    of_pool = [row for row in rows if pool in row.pools]
    own = [row.name for row in of_pool if row.team_id == team_id]
    return own or [row.name for row in of_pool if row.team_id is None]


@cache
def _known() -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = json.loads((EDGE / "limits.json").read_text())
    return known
