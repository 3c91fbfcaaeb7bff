"""Which variant of an A/B test is best, by Bayes' rule. Pure.

Of a variant's delivered mails each is a success or none, so with a uniform prior its rate is distributed as
Beta(1 + successes, 1 + failures) (Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.4). How
likely each variant has the highest rate is counted in draws from these, always the same for a seed (Scott,
"A modern Bayesian look at the multi-armed bandit", Applied Stochastic Models in Business and Industry 26,
2010, section 3). Unlike a test of significance it may be asked of small numbers, and of many variants.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Criterion = Literal["opens", "clicks"]

DRAWS = 20_000  # the share of a winner is then exact to half a percent
# A variant that is the best with so much probability is a clear winner.
CLEAR = 0.95
_VERBS = {"opens": "opened", "clicks": "clicked"}


@dataclass(frozen=True)
class Tried:
    """A variant's share of the test; `successes` are mails that people, not machines, opened or clicked."""

    variant_id: int
    name: str
    delivered: int
    successes: int


@dataclass(frozen=True)
class Verdict:
    """`probabilities`: how likely each variant is the best, in the order of those tried; they add up to 1."""

    winner_id: int
    is_clear: bool
    probabilities: list[float]
    explanation: str


def choose(tried: Sequence[Tried], criterion: Criterion, seed: int) -> Verdict:
    """The variant that the rest gets, with the reasons in words.

    Where none is clearly the best it is the one that most likely is: nothing speaks for another. Where nobody
    opened or clicked at all it is the first, as their author put it there.
    """
    probabilities = _probabilities(tried, seed)
    if any(each.successes for each in tried):
        best = max(range(len(tried)), key=lambda index: (probabilities[index], -index))
    else:
        best = 0
    is_clear = probabilities[best] >= CLEAR and tried[best].successes > 0
    words = _explained(tried, criterion, best, probabilities[best], is_clear)
    return Verdict(tried[best].variant_id, is_clear, probabilities, words)


def _probabilities(tried: Sequence[Tried], seed: int) -> list[float]:
    draw = random.Random(seed)  # noqa: S311 - a simulation, no secret
    # People may be counted whose mail was not told to be delivered yet: nobody succeeds more than once.
    shapes = [(1 + each.successes, 1 + max(0, each.delivered - each.successes)) for each in tried]
    wins = [0] * len(tried)
    for _ in range(DRAWS):
        rates = [draw.betavariate(alpha, beta) for alpha, beta in shapes]
        wins[rates.index(max(rates))] += 1
    return [number / DRAWS for number in wins]


def _explained(
    tried: Sequence[Tried], criterion: Criterion, best: int, probability: float, is_clear: bool
) -> str:
    verb = _VERBS[criterion]
    figures = "; ".join(_figures(each, index, verb) for index, each in enumerate(tried))
    name = _name(tried[best], best)
    if not any(each.successes for each in tried):
        return (
            f"No mail of the test was {verb} by a person, so {name}, the first, goes to the rest. {figures}."
        )
    judged = f"it is the best with a probability of {probability:.1%}"
    if is_clear:
        return f"{name} wins: {judged} ({CLEAR:.0%} make a clear winner). {figures}."
    return (
        f"No variant is clearly the best. {name} goes to the rest: {judged}, more than any other "
        f"({CLEAR:.0%} would make a clear winner). {figures}."
    )


def _figures(each: Tried, index: int, verb: str) -> str:
    rate = f" ({each.successes / each.delivered:.1%})" if each.delivered else ""
    return f"{_name(each, index)}: {each.successes:,} of {each.delivered:,} delivered mails were {verb}{rate}"


def _name(each: Tried, index: int) -> str:
    return f"“{each.name}”" if each.name else f"Variant {index + 1}"
