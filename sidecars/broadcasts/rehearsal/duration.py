"""How long a broadcast would take: by what its lanes may send, and by how fast the last ones left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate

from redis.exceptions import RedisError

from sidecars.broadcasts.rehearsal.audience import NO_SERVER, NOT_LOOKED_UP, Recipients
from sidecars.broadcasts.states import BroadcastState
from sidecars.deliverability.lane_limits import SLOTS_SECONDS, LaneLimits, sources_of
from sidecars.edge.lane_states import used
from sidecars.models import Broadcast, now

POOL = "engage"  # the sources of broadcasts
MOST_DAYS = 366
# The last ones that say something: so many, of so many mails.
JUDGED, LEAST_MAILS = 5, 1000


@dataclass(frozen=True)
class Duration:
    """`seconds` is None where nobody can tell; `limited_by` says what it waits for longest, or why not."""

    seconds: float | None
    limited_by: str


def expected(broadcast: Broadcast, audience: Recipients) -> Duration:
    """From now on, as if the lanes had nothing else to do. Deferrals are not known beforehand."""
    sources = sources_of(broadcast.team_id, POOL)
    mails = {provider: count for provider, count in audience.by_provider.items() if provider != NO_SERVER}
    if not mails:
        return Duration(None, "nobody would get it")
    try:
        found = [*_by_lanes(mails, sources, LaneLimits(), now()), *_by_handover(audience.total)]
    except RedisError as error:
        return Duration(None, f"Redis does not answer: {error}")
    if unknown := [each for each in found if each.seconds is None]:
        return unknown[0]
    # Nothing is known to hold up what was not looked up.
    known = [each for each in found if each.seconds]
    return max(known, key=lambda each: each.seconds or 0, default=Duration(None, "no provider was looked up"))


def _by_lanes(
    mails: Mapping[str, int], sources: Sequence[str], limits: LaneLimits, at: datetime
) -> list[Duration]:
    """One a provider; the largest first, since providers without a plan of their own share a ceiling."""
    room = _Room(limits, at)
    return [
        _to_provider(provider, count, sources, limits, room, at)
        for provider, count in sorted(mails.items(), key=lambda pair: -pair[1])
    ]


def _to_provider(
    provider: str, mails: int, sources: Sequence[str], limits: LaneLimits, room: "_Room", at: datetime
) -> Duration:
    going = [source for source in sources if limits.hold_of(source, provider) is None]
    if not going:
        return Duration(None, _held(provider, sources, limits))
    # What is not looked up is many domains, each with lanes of its own: no rate, but ceilings.
    rate = float("inf") if provider == NOT_LOOKED_UP else limits.per_minute(provider) / SLOTS_SECONDS
    begun, left = at, float(mails)
    for _ in range(MOST_DAYS):
        ends = datetime.combine(begun.date() + timedelta(days=1), time(), UTC)
        seconds = (ends - begun).total_seconds()
        rooms = [min(rate * seconds, room.of(source, provider, begun)) for source in going]
        if (needed := _seconds_for(left, rate, rooms)) is not None:
            room.take(going, provider, begun, [min(rate * needed, each) for each in rooms])
            return Duration(
                (begun - at).total_seconds() + needed, _limit(provider, going, limits, room, begun, at)
            )
        room.take(going, provider, begun, rooms)
        begun, left = ends, left - sum(rooms)
    return Duration(None, f"the ceilings to {provider} would not let it end within a year")


def _seconds_for(mails: float, rate: float, rooms: Sequence[float]) -> float | None:
    """Until so many are sent by sources of one rate, each of which stops where its room ends; None: never."""
    if sum(rooms) < mails:
        return None
    if rate == float("inf"):
        return 0.0
    rooms = sorted(rooms)
    # After the n-th has stopped: what it and those before it sent, and what each of the others has sent.
    for stopped, before in enumerate([0.0, *accumulate(rooms)][: len(rooms)]):
        each = (mails - before) / (len(rooms) - stopped)
        if each <= rooms[stopped]:
            return each / rate
    return rooms[-1] / rate


class _Room:
    """What is left of the ceilings, by source, counter and day."""

    def __init__(self, limits: LaneLimits, at: datetime) -> None:
        self._limits = limits
        self._today = at.date()
        self._left: dict[tuple[str, str, datetime], float] = {}

    def of(self, source: str, provider: str, at: datetime) -> float:
        """Mails that the lane may send on the day."""
        key = self._key(source, provider, at)
        return float("inf") if key is None else self._left[key]

    def take(self, sources: Sequence[str], provider: str, at: datetime, mails: Sequence[float]) -> None:
        """They are sent."""
        for source, count in zip(sources, mails, strict=True):
            if key := self._key(source, provider, at):
                self._left[key] = max(0.0, self._left[key] - count)

    def has_ceiling(self, source: str, provider: str, at: datetime) -> bool:
        """Whether there is one on the day."""
        return self._key(source, provider, at) is not None

    def _key(self, source: str, provider: str, at: datetime) -> tuple[str, str, datetime] | None:
        day = at.date()
        ceiling = self._limits.ceiling(source, provider, day)
        if ceiling is None:
            return None
        key = (source, ceiling.counter, datetime.combine(day, time(), UTC))
        if key not in self._left:
            gone = used(source, ceiling.counter, day.isoformat()) if day == self._today else 0
            self._left[key] = float(max(0, ceiling.mails - gone))
        return key


def _limit(
    provider: str, sources: Sequence[str], limits: LaneLimits, room: _Room, ends: datetime, at: datetime
) -> str:
    name = "providers that were not looked up" if provider == NOT_LOOKED_UP else provider
    capped = [source for source in sources if room.has_ceiling(source, provider, at)]
    if ends.date() > at.date() and capped:
        return f"the day's ceiling to {name} from {', '.join(capped)} (warm-up, or a policy's per_day)"
    of = f"{len(sources)} sources" if len(sources) > 1 else f"source {sources[0]}"
    return f"the lane to {provider}: {limits.per_minute(provider):,} mails a minute from {of}"


def _held(provider: str, sources: Sequence[str], limits: LaneLimits) -> str:
    if not sources:
        return "no active source takes broadcasts"
    hold = limits.hold_of(sources[0], provider)
    return f"the lane to {provider} is held by {hold.placed_by}: {hold.reason}" if hold else ""


def _by_handover(mails: int) -> list[Duration]:
    """By what the last broadcasts took until an edge had all of theirs; none where there were none."""
    was_sent = (Broadcast.state == BroadcastState.SENT.value) & Broadcast.resumed_at.is_null()
    rows = (
        Broadcast.select()
        .where(was_sent, Broadcast.published_at.is_null(False), Broadcast.planned_total >= LEAST_MAILS)
        .order_by(Broadcast.finished_at.desc())
        .limit(JUDGED)
    )
    took = [(row.planned_total, (row.finished_at - row.published_at).total_seconds()) for row in rows]
    seconds = sum(each for _, each in took)
    if seconds <= 0:
        return []
    rate = sum(count for count, _ in took) / seconds
    return [
        Duration(mails / rate, f"handing over to the edges: {rate:,.0f} mails a second, as measured lately")
    ]
