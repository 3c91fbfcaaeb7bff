"""What holds this process up, and for how long: `kibamail_backpressure{cause="kafka"}` and its seconds.

Whoever asks a service does so within `waiting_for(cause)`. A call that takes long, or that fails because the
service is away, holds the process up from its beginning till a later one succeeds, or nobody asks any more.
Who waits for another reason, such as a reader that is far behind, says so with `hold` and `release`.

The causes: mysql, redis, kafka, edge; clickhouse and enricher, which read from Kafka too slowly. The edge
tells of webhook and redis on its own /metrics.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from types import TracebackType

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

# A service that is well answers sooner.
LATE_SECONDS = 1.0
# Whoever waits asks again sooner: a slice is put off for half a minute at most.
QUIET_SECONDS = 60.0

_held: dict[str, float] = {}  # by cause, since when; monotonic seconds
_asked: dict[str, float] = {}  # by cause, when it was last in vain
_under_way: dict[str, dict["waiting_for", float]] = defaultdict(dict)  # the same of each call

Away = Callable[[BaseException], bool]


class waiting_for:
    """Around a call of a service; `is_away` tells the failures by which it is away from its answers."""

    def __init__(self, cause: str, is_away: Away) -> None:
        self._cause = cause
        self._is_away = is_away
        self._in_vain = False

    def __enter__(self) -> "waiting_for":
        _under_way[self._cause][self] = time.monotonic()
        return self

    def in_vain(self) -> None:
        """The service answered that it cannot now."""
        self._in_vain = True

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        began = _under_way[self._cause].pop(self)
        if self._in_vain or (error is not None and self._is_away(error)):
            hold(self._cause, began)
        else:
            release(self._cause)


def hold(cause: str, since: float | None = None) -> None:
    """This process waits because of `cause`, since then (monotonic seconds; None: now) or longer.

    To be said again for as long as it does.
    """
    now = time.monotonic()
    _under_way[cause]  # so that the metric knows the cause when it is over
    if _is_over(cause, now):
        release(cause)
    _held.setdefault(cause, now if since is None else since)
    _asked[cause] = now


def release(cause: str) -> None:
    """It does so no more."""
    _held.pop(cause, None)


def held_up_by() -> dict[str, float]:
    """Seconds for which each cause has held this process up; 0 of a cause that does not now."""
    now = time.monotonic()
    return {cause: now - since if (since := _since(cause, now)) else 0.0 for cause in tuple(_under_way)}


def _since(cause: str, now: float) -> float | None:
    sinces = [began for began in tuple(_under_way[cause].values()) if now - began > LATE_SECONDS]
    held = _held.get(cause)
    if held is not None and (sinces or not _is_over(cause, now)):
        sinces.append(held)
    return min(sinces, default=None)


def _is_over(cause: str, now: float) -> bool:
    """Whether nobody has asked for so long that nobody can be waiting."""
    return now - _asked.get(cause, now) > QUIET_SECONDS


class _Metrics(Collector):
    @override
    def collect(self) -> Iterable[Metric]:
        holds = GaugeMetricFamily(
            "kibamail_backpressure", "1 while the cause holds this process up.", labels=["cause"]
        )
        lasting = GaugeMetricFamily(
            "kibamail_backpressure_seconds", "How long it has done so; 0: it does not.", labels=["cause"]
        )
        for cause, seconds in held_up_by().items():
            holds.add_metric([cause], float(seconds > 0))
            lasting.add_metric([cause], seconds)
        return holds, lasting


REGISTRY.register(_Metrics())
