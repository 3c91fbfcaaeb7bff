"""Chance that can be repeated: the same seed and the same words give the same number."""

import math
from hashlib import blake2b
from random import Random
from statistics import NormalDist

_STANDARD_NORMAL = NormalDist()


class Dice:
    """Uniform draws as a pure function of a seed and some words."""

    def __init__(self, seed: str) -> None:
        self._seeded = blake2b(seed.encode(), digest_size=8)

    def draw(self, *words: object) -> float:
        """A number in [0, 1)."""
        return (self._hash(words) >> 11) / (1 << 53)

    def generator(self, *words: object) -> Random:
        """A generator of its own, where one number is not enough."""
        return Random(self._hash(words))  # noqa: S311 -- repeatable on purpose

    def _hash(self, words: tuple[object, ...]) -> int:
        state = self._seeded.copy()
        state.update("\0".join(map(str, words)).encode())
        return int.from_bytes(state.digest(), "big")


def heavy_tailed(uniform: float, median: float, sigma: float, longest: float) -> float:
    """A log-normal value, cut off at `longest`, from a uniform draw in [0, 1).

    Times until a mail is read are close to log-normal: most come soon, some after a day. The cut is a
    truncation (the draw is squeezed below the cut's probability), so nothing heaps up at `longest`.
    """
    below_cut = _STANDARD_NORMAL.cdf(math.log(longest / median) / sigma)
    probability = min(max(uniform * below_cut, 1e-9), 1 - 1e-9)
    return median * math.exp(sigma * _STANDARD_NORMAL.inv_cdf(probability))
