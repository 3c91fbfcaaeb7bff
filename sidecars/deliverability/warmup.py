"""Plans the warm-up of new addresses: how many mails each may send to each provider on each day. Pure.

No provider publishes a schedule. What they and those who send for others do publish:

- Google: begin low, with readers who engage; doubling at once may cost the reputation; where mail bounces or
  is deferred, send less till it is not, then grow slowly again; keep reported spam below 0.1 %, never reach
  0.3 % (https://support.google.com/mail/answer/81126).
- Yahoo: keep complaints below 0.3 % (https://senders.yahooinc.com/best-practices/).
- Twilio SendGrid: 20 mails an hour on the first day, 1.4 times as many each day; an address that rested for
  30 days begins again (https://www.twilio.com/docs/sendgrid/concepts/reputation/warm-up-ip-addresses).
- Amazon SES: looks into senders at 5 % bounces and stops them at 10 %
  (https://docs.aws.amazon.com/ses/latest/dg/faqs-enforcement.html).
- Word to the Wise: where a provider answers 4xx, it is too fast for that one; an address cannot be warmed up
  and then left to rest (https://wordtothewise.com/2014/04/warmup-ip-addresses).

A number of ours, where nobody gives one, says so.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil
from typing import Any, NamedTuple

from sidecars.names import LANES_ALL as ALL

FIRST_DAY = 24 * 20
GROWTH = 1.4
# Ours: Microsoft defers new addresses sooner than others, and names no number.
GROWTH_OF = {"microsoft": 1.25}
# Ours: with less to a provider on a day nobody learns anything.
LEAST = 20
REST_DAYS = 30
# Ours: long enough for a newsletter a week.
PROVEN_DAYS = 7
JUDGED_DAYS = 3
# Ours: one mail is no rate.
LEAST_MAILS_OF_A_RATE = 2


class WarmupError(ValueError):
    """There is no plan for this; the message says what to change."""


class Counts(NamedTuple):
    """Mails of one day; one may count as deferred and as delivered later."""

    sent: int = 0
    deferred: int = 0
    bounced: int = 0
    complained: int = 0


class Threshold(NamedTuple):
    """Rates of a day's mails: from `hold` on there is no growth, from `back` on only half as many."""

    what: str
    hold: float
    back: float


THRESHOLDS = (
    Threshold("complained", 0.001, 0.003),  # Google, Yahoo
    Threshold("bounced", 0.05, 0.10),  # Amazon SES
    Threshold("deferred", 0.05, 0.20),  # ours; Google asks for less mail, without a number
)

# (address, provider) → day → what happened.
History = Mapping[tuple[str, str], Mapping[date, Counts]]


@dataclass(frozen=True)
class Goal:
    """Mails a day in the end, over all addresses, and each provider's share; the shares make 1."""

    per_day: int
    mix: Mapping[str, float]


@dataclass(frozen=True)
class Series:
    """One address and provider: the most mails of each day, from the plan's first to its last, and why."""

    address: str
    provider: str
    days: Mapping[date, int]
    why: str


@dataclass(frozen=True)
class Plan:
    """`warm`: (address, provider) that had their full volume lately and need no ceiling."""

    goal: Goal
    series: Sequence[Series]
    warm: Sequence[tuple[str, str]] = field(default=())

    @property
    def days(self) -> list[date]:
        """In order; none where all are warm."""
        return sorted(self.series[0].days) if self.series else []

    def total(self, day: date) -> int:
        """Most mails of a day over all addresses and providers that warm up."""
        return sum(each.days[day] for each in self.series)

    @property
    def target(self) -> int:
        """What of the goal falls to those that warm up."""
        return self.total(self.days[-1]) if self.series else 0


def plan(goal: Goal, addresses: Sequence[str], start: date, history: History) -> Plan:
    """From `start`, a day in UTC; `history` ends the day before. Raises WarmupError.

    The first day follows from what happened; those after it are what follows if all goes well, so a plan is
    made again, and applied again, as days pass.
    """
    _refuse_nonsense(goal, addresses)
    begun, warm = [], []
    for address in addresses:
        for provider, share in goal.mix.items():
            target = max(1, round(goal.per_day * share / len(addresses)))
            first = _first_day(share, provider, start, history.get((address, provider), {}))
            if first.well and first.proven >= target:
                warm.append((address, provider))
            else:
                ramp = _ramp(min(first.mails, target), target, provider)
                begun.append((address, provider, ramp, first.why))
    length = max((len(ramp) for _, _, ramp, _ in begun), default=0)
    series = [
        Series(address, provider, _dated(ramp, start, length), why) for address, provider, ramp, why in begun
    ]
    return Plan(goal, series, warm)


def mix_of(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares in per cent → shares that make 1; what is missing to 100 is `*`. Raises WarmupError."""
    total = sum(shares.values())
    if any(share <= 0 for share in shares.values()) or total > 100:
        raise WarmupError("Shares are above 0 and make 100 % at most, such as google=45,microsoft=25.")
    mix = {provider: share / 100 for provider, share in shares.items() if provider != ALL}
    rest = 1 - sum(mix.values())
    return {**mix, ALL: rest} if rest > 1e-9 else mix


def mix_from(counts: Mapping[str, int], least: float = 0.02) -> dict[str, float]:
    """Mails by provider → the shares of those with `least` or more, the others together as `*`."""
    total = sum(counts.values())
    large = {
        provider: mails / total
        for provider, mails in sorted(counts.items(), key=lambda pair: -pair[1])
        if mails / total >= least
    }
    rest = 1 - sum(large.values())
    return {**large, ALL: rest} if rest > 1e-9 else large


def usable_addresses(subnet: str) -> list[str]:
    """`192.0.2.8/29` → five: all but the network's, the gateway's (the first) and the broadcast's.

    Raises WarmupError.
    """
    try:
        network = ipaddress.IPv4Network(subnet)
    except ValueError as error:
        raise WarmupError(f"{subnet} is no IPv4 subnet such as 192.0.2.8/29: {error}.") from error
    if not 24 <= network.prefixlen <= 30:
        raise WarmupError("A subnet to warm up is a /24 to a /30.")
    return [str(address) for address in list(network.hosts())[1:]]


def ceiling(days: Mapping[date, int], day: date) -> int | None:
    """The most mails of a day as edges read it: 0 before the plan, None after it, a gap as the day before."""
    if not days or day > max(days):
        return None
    return next((days[each] for each in sorted(days, reverse=True) if each <= day), 0)


def by_provider(made: Plan) -> dict[str, dict[date, int]]:
    """Most mails of each day to each provider, over all addresses."""
    sums: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for each in made.series:
        for day, mails in each.days.items():
            sums[each.provider][day] += mails
    return {provider: dict(days) for provider, days in sums.items()}


def as_data(plan: Plan) -> dict[str, Any]:
    """The plan as JSON has it; days are ISO dates in UTC, shares parts of 1."""
    return {
        "per_day": plan.goal.per_day,
        "mix": dict(plan.goal.mix),
        "days": [
            {"day": day.isoformat(), "mails": plan.total(day), "surplus": plan.goal.per_day - plan.total(day)}
            for day in plan.days
        ],
        "series": [
            {
                "address": series.address,
                "provider": series.provider,
                "why": series.why,
                "days": {day.isoformat(): mails for day, mails in series.days.items()},
            }
            for series in plan.series
        ],
        "warm": [{"address": address, "provider": provider} for address, provider in plan.warm],
    }


def _refuse_nonsense(goal: Goal, addresses: Sequence[str]) -> None:
    if goal.per_day < 1:
        raise WarmupError("The goal is one mail a day at least.")
    if not addresses:
        raise WarmupError("There is no address to warm up. Add sources first, or name a subnet.")
    if len(set(addresses)) < len(addresses):
        raise WarmupError("An address is named twice.")
    if not goal.mix or abs(sum(goal.mix.values()) - 1) > 1e-6:
        raise WarmupError("The shares of the providers must make 100 %.")


class _FirstDay(NamedTuple):
    """`proven`: the most mails of a day lately; `well`: and nothing went wrong with them."""

    mails: int
    why: str
    proven: int = 0
    well: bool = False


def _first_day(share: float, provider: str, start: date, days: Mapping[date, Counts]) -> _FirstDay:
    fresh = max(LEAST, round(FIRST_DAY * share))
    sent = sorted(
        day
        for day, counts in days.items()
        if counts.sent > 0 and start - timedelta(days=REST_DAYS) <= day < start
    )
    if not sent:
        rested = any(counts.sent for day, counts in days.items() if day < start)
        return _FirstDay(fresh, f"begins again after {REST_DAYS} days of rest" if rested else "begins")
    proven = max(days[day].sent for day in sent[-PROVEN_DAYS:])
    lately = [days[day] for day in sent[-JUDGED_DAYS:]]
    fault = _worst_fault(lately)
    if fault is None:
        grown = max(fresh, ceil(proven * _growth(provider)))
        return _FirstDay(grown, f"grows from {proven:,}", proven, well=True)
    threshold, rate = fault
    words = f"{rate:.1%} {threshold.what} in the last {len(lately)} days of sending"
    if rate >= threshold.back:
        return _FirstDay(max(1, proven // 2), f"steps back from {proven:,}: {words}", proven)
    return _FirstDay(proven, f"stays at {proven:,}: {words}", proven)


def _worst_fault(days: Iterable[Counts]) -> tuple[Threshold, float] | None:
    total = Counts(*(sum(column) for column in zip(*days, strict=True)))
    faults = []
    for threshold in THRESHOLDS:
        mails = int(getattr(total, threshold.what))
        rate = mails / total.sent
        if mails >= LEAST_MAILS_OF_A_RATE and rate >= threshold.hold:
            faults.append((threshold, rate))
    return max(faults, key=lambda fault: fault[1] / fault[0].back, default=None)


def _growth(provider: str) -> float:
    return GROWTH_OF.get(provider, GROWTH)


def _ramp(first: int, target: int, provider: str) -> list[int]:
    ramp = [first]
    while ramp[-1] < target:
        ramp.append(min(target, ceil(ramp[-1] * _growth(provider))))
    return ramp


def _dated(ramp: Sequence[int], start: date, length: int) -> dict[date, int]:
    """With the last number on the days that are left."""
    return {start + timedelta(days=number): ramp[min(number, len(ramp) - 1)] for number in range(length)}
