"""When what failed is tried again. Pure."""

import random
from typing import NamedTuple

# In units of COURIER_FIRST_RETRY_SECONDS: with 5 s that is 5 s, 30 s, 2 min, 10 min, 30 min, 1, 2, 4, 8 h.
_WAITS = (1, 6, 24, 120, 360, 720, 1440, 2880, 5760)
_LONGEST_WAIT = 12 * 3600.0
_LONGEST_REST = 600.0
_JITTER = 0.2


class Verdict(NamedTuple):
    """Of an answer: whether the event was taken, and whether its receiver wants no others."""

    taken: bool
    gone: bool


def judge(status: int) -> Verdict:
    """By the status, 0 where there was none. The body says nothing to us; a redirect is not followed."""
    return Verdict(taken=200 <= status < 300, gone=status == 410)


def wait_after(attempt: int, first: float) -> float:
    """Seconds until a delivery's next attempt, after its `attempt`-th (from 1) failed."""
    wait = first * (_WAITS[attempt - 1] if attempt <= len(_WAITS) else _WAITS[-1] * 2)
    return _spread(min(wait, _LONGEST_WAIT))


def rest_after(failures: int, first: float) -> float:
    """Seconds for which an endpoint is left alone after so many turns in which nothing got through."""
    return _spread(min(first * 2 ** min(failures - 1, 20), _LONGEST_REST))


def _spread(seconds: float) -> float:
    """Give or take a fifth, so that what failed together does not come back together."""
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
