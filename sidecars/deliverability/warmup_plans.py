"""Warm-up plans for the sources that there are: proposed from what they sent, applied, looked at, ended.

Asking ClickHouse raises clickhouse_driver.errors.Error or OSError where it does not answer.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sidecars.analytics.client import query
from sidecars.deliverability import warmup
from sidecars.deliverability.operator_log import record
from sidecars.deliverability.sources import ACTIVE, NoSource
from sidecars.deliverability.warmup import Counts, Goal, History, Plan, WarmupError
from sidecars.edge import lanes
from sidecars.edge.lane_states import used
from sidecars.models import Source, Warmup, database
from sidecars.names import LANES_ALL

SURPLUS = ("wait", "overflow")
# Enough to tell an address that rests from one that never sent.
REMEMBERED_DAYS = warmup.REST_DAYS + 15


class Change(NamedTuple):
    """A plan that is made, replaced or ended: day (UTC) → most mails; None where there is none."""

    source: str
    provider: str
    before: Mapping[date, int] | None
    after: Mapping[date, int] | None


class InUse(NamedTuple):
    """A plan's state on a day: `ceiling` is None where it is over."""

    source: str
    provider: str
    surplus: str
    ceiling: int | None
    used: int
    last_day: date
    last_ceiling: int


def today() -> date:
    """The day that edges count by, UTC."""
    return datetime.now(UTC).date()


def addresses(names: Sequence[str] = (), subnet: str | None = None) -> dict[str, str | None]:
    """{what the plan calls it: its IP address} of the sources named, of a subnet, or of all active sources.

    An address of a subnet goes by its source's name if it has one. Raises NoSource, WarmupError.
    """
    by_name = {row.name: row.address for row in Source.select().where(Source.state == ACTIVE)}
    if subnet is not None:
        name_of = {address: name for name, address in by_name.items()}
        return {name_of.get(address, address): address for address in warmup.usable_addresses(subnet)}
    for name in names:
        if name not in by_name:
            raise NoSource(name)
    return {name: by_name[name] for name in names} if names else by_name


def history(ip_of: Mapping[str, str | None], start: date) -> History:
    """What the addresses sent in the days before `start`, by what the plan calls them."""
    found: dict[tuple[str, str], dict[date, Counts]] = defaultdict(dict)
    name_of = {ip: name for name, ip in ip_of.items() if ip}
    for row in _sent(REMEMBERED_DAYS, start):
        if row["source_ip"] in name_of:
            counts = Counts(row["sent"], row["deferred"], row["bounced"], row["complained"])
            found[name_of[row["source_ip"]], row["provider"]][row["day"]] = counts
    return found


def mix(start: date) -> dict[str, float]:
    """The providers' shares of all mail of the last days. Raises WarmupError where there was none."""
    mails: Counter[str] = Counter()
    for row in _sent(warmup.REST_DAYS, start):
        mails[row["provider"]] += row["sent"]
    if not mails:
        raise WarmupError(
            "No mail yet to tell the providers' shares from; give them: google=45,microsoft=25."
        )
    return warmup.mix_from(mails)


def propose(
    per_day: int, shares: Mapping[str, float] | None, ip_of: Mapping[str, str | None], start: date
) -> Plan:
    """A plan from what the addresses sent. `shares` in per cent; None: those of the last days' mail.

    Raises WarmupError.
    """
    goal = Goal(per_day, warmup.mix_of(shares) if shares else mix(start))
    return warmup.plan(goal, list(ip_of), start, _folded(history(ip_of, start), goal))


def changes(plan: Plan) -> list[Change]:
    """What `apply` would do to the plans in use. Raises NoSource where an address is no source's."""
    return _changes(plan, _in_database(_sources(plan)))


def apply(by: str, plan: Plan, surplus: str) -> list[Change]:
    """Edges hold to the plan within a second; it replaces all plans of its sources. Raises NoSource.

    `surplus` is what becomes of more mail than a day may have: `wait`, or `overflow` to sources of the same
    pool that are not at their ceiling.
    """
    sources = _sources(plan)
    with database.atomic():
        rows = _in_database(sources, for_update=True)
        made = _changes(plan, rows)
        for row in rows:
            row.delete_instance()
        for series in plan.series:
            days = {day.isoformat(): mails for day, mails in series.days.items()}
            source = sources[series.address]
            Warmup.create(source=source, provider=series.provider, surplus=surplus, days=days)
        goal = {"per_day": plan.goal.per_day, "mix": dict(plan.goal.mix), "surplus": surplus}
        record(by, "apply warm-up", _named(sources), **goal, days=[day.isoformat() for day in plan.days])
    lanes.write()
    return made


def end(by: str, source: str) -> None:
    """Takes the ceilings away: the source may send all that its policies allow. Raises NoSource."""
    row = Source.get_or_none(Source.name == source)
    if row is None:
        raise NoSource(source)
    with database.atomic():
        Warmup.delete().where(Warmup.source == row).execute()
        record(by, "end warm-up", source)
    lanes.write()


def in_use(day: date) -> list[InUse]:
    """Every plan, with what `day` allows and has had. Raises redis.RedisError."""
    found = []
    plans = Warmup.select(Warmup, Source).join(Source).order_by(Source.name, Warmup.provider)
    for row in plans:
        days = _days(row)
        found.append(
            InUse(
                row.source.name,
                row.provider,
                row.surplus,
                warmup.ceiling(days, day),
                used(row.source.name, row.provider, day.isoformat()),
                max(days),
                days[max(days)],
            )
        )
    return found


def _sent(days: int, until: date) -> list[dict[str, Any]]:
    return query("lane_history", since=until - timedelta(days=days), until=until)


def _folded(known: History, goal: Goal) -> History:
    """Providers that the goal does not name count as `*`, as they do at the edge."""
    folded: dict[tuple[str, str], dict[date, Counts]] = defaultdict(dict)
    for (address, provider), days in known.items():
        key = (address, provider if provider in goal.mix else LANES_ALL)
        for day, counts in days.items():
            before = folded[key].get(day, Counts())
            folded[key][day] = Counts(*(a + b for a, b in zip(before, counts, strict=True)))
    return folded


def _sources(plan: Plan) -> dict[str, Source]:
    wanted = [series.address for series in plan.series] + [address for address, _ in plan.warm]
    found = {row.name: row for row in Source.select().where(Source.name.in_(wanted))}
    for address in wanted:
        if address not in found:
            raise NoSource(address)
    return found


def _in_database(sources: Mapping[str, Source], for_update: bool = False) -> list[Warmup]:
    rows = Warmup.select(Warmup, Source).join(Source).where(Source.name.in_(list(sources)))
    return list(rows.for_update() if for_update else rows)


def _changes(plan: Plan, rows: Sequence[Warmup]) -> list[Change]:
    before = {(row.source.name, row.provider): _days(row) for row in rows}
    after = {(series.address, series.provider): series.days for series in plan.series}
    return [Change(*lane, before.get(lane), after.get(lane)) for lane in sorted(before.keys() | after.keys())]


def _days(row: Warmup) -> dict[date, int]:
    return {date.fromisoformat(day): mails for day, mails in row.days.items()}


def _named(sources: Mapping[str, Source]) -> str:
    return ", ".join(sorted(sources))[:400]
