"""When a broadcast does more harm than good: rates of hard bounces, complaints and blocks. Pure.

Counts are of mails that had time for an answer, not of the answers that came: refusals come at once, and
deliveries to a server that greylists later, so a share of the answers would be too high at first.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

# So few may be chance, or one person's anger, whatever their share.
LEAST_CASES = 5


class Answers(NamedTuple):
    """Mails to one provider, and what became of them."""

    provider: str
    mails: int
    hard_bounces: int
    blocked: int
    delivered: int
    complaints: int


class Limits(NamedTuple):
    """Shares in percent, 0 for none; below `least_mails` no share is judged."""

    least_mails: int
    hard_bounces: float = 0
    blocked: float = 0
    complaints: float = 0


def harm(answers: Iterable[Answers], limits: Limits) -> str | None:
    """Which limit is passed, with the figures, for the people of a team; None while none is."""
    known = list(answers)
    mails = sum(each.mails for each in known)
    delivered = sum(each.delivered for each in known)
    hard_bounces = sum(each.hard_bounces for each in known)
    complaints = sum(each.complaints for each in known)
    if _is_over(hard_bounces, mails, limits.hard_bounces, limits):
        return _told(hard_bounces, mails, "mails bounced hard", limits.hard_bounces)
    if _is_over(complaints, delivered, limits.complaints, limits):
        return _told(complaints, delivered, "delivered mails were complained about", limits.complaints)
    to_provider, blocked = Counter[str](), Counter[str]()
    for each in known:
        to_provider[each.provider] += each.mails
        blocked[each.provider] += each.blocked
    for provider, number in blocked.most_common():
        if provider and _is_over(number, to_provider[provider], limits.blocked, limits):
            return _told(
                number, to_provider[provider], f"mails to {provider} were blocked there", limits.blocked
            )
    return None


def _is_over(cases: int, of: int, limit: float, limits: Limits) -> bool:
    return limit > 0 and of >= limits.least_mails and cases >= LEAST_CASES and cases * 100 > limit * of


def _told(cases: int, of: int, what: str, limit: float) -> str:
    return f"{cases / of:.1%} of {what} ({cases} of {of}, the limit is {limit:g} %)"
