"""Huey's consumer with our choices: threads that wait for tasks, and say that they drain."""

from collections.abc import Callable

from huey import RedisHuey
from huey.consumer import Consumer

from sidecars.telemetry import HealthServer


class Workers(Consumer):  # type: ignore[misc]
    """`run` until a signal. SIGTERM drains: what takes longer than `drain_seconds` is cut off.

    `draining` is called by the consumer's loop at the first signal.
    """

    def __init__(
        self,
        huey: RedisHuey,
        number: int,
        drain_seconds: float,
        health: HealthServer,
        draining: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            huey,
            workers=number,
            worker_type="thread",
            periodic=False,
            scheduler_interval=60,
            shutdown_timeout=drain_seconds,
            graceful_signal="TERM",
        )
        self._health = health
        self._draining = draining

    def stop(self, graceful: bool = False) -> None:
        """Called by the consumer's loop at the first signal."""
        self._health.draining()
        self._draining()
        super().stop(graceful)
