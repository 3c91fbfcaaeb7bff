"""What is to be done later: by people, robots and providers, a bounded number at once, retried until done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush
from itertools import count

log = logging.getLogger(__name__)

Action = Callable[[], Awaitable[None]]


class NotNow(Exception):
    """An action did not succeed and is worth another try."""


class Never(Exception):
    """An action cannot succeed."""


class Agenda:
    """Actions by the time they are due."""

    WORKERS = 32
    TRIES = 12
    LONGEST_PAUSE = 10.0

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._later: list[tuple[float, int, Action, int]] = []
        self._number = count()
        self._timer: asyncio.TimerHandle | None = None
        self._due: asyncio.Queue[tuple[Action, int]] = asyncio.Queue()
        self._running = 0
        self.given_up = 0
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.WORKERS)]

    def add(self, delay: float, action: Action, tried: int = 0) -> None:
        """Runs `action` in `delay` seconds of the clock on the wall."""
        number = next(self._number)
        heappush(self._later, (self._loop.time() + delay, number, action, tried))
        if self._later[0][1] == number:
            self._set_timer()

    @property
    def pending(self) -> int:
        """Actions that are neither done nor given up."""
        return len(self._later) + self._due.qsize() + self._running

    def forget(self) -> None:
        """Drops what has not begun, and the count of what was given up."""
        self._drop()
        self.given_up = 0

    async def close(self) -> None:
        """Drops what has not begun and waits for what has. Returns when nothing runs."""
        self._drop()
        for _ in self._workers:
            self._due.put_nowait((_stop, 0))
        await asyncio.gather(*self._workers, return_exceptions=True)

    def _drop(self) -> None:
        self._later.clear()
        while not self._due.empty():
            self._due.get_nowait()

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._later[0][0], self._ring) if self._later else None

    def _ring(self) -> None:
        now = self._loop.time()
        while self._later and self._later[0][0] <= now:
            _, _, action, tried = heappop(self._later)
            self._due.put_nowait((action, tried))
        self._set_timer()

    async def _work(self) -> None:
        while True:
            action, tried = await self._due.get()
            self._running += 1
            try:
                await action()
            except NotNow as reason:
                self._try_again(action, tried + 1, reason)
            except Never as reason:
                self._give_up(reason)
            except Exception:
                self.given_up += 1
                log.exception("action_failed")
            finally:
                self._running -= 1

    def _try_again(self, action: Action, tried: int, reason: NotNow) -> None:
        if tried < self.TRIES:
            self.add(min(0.25 * 2**tried, self.LONGEST_PAUSE), action, tried)
        else:
            self._give_up(reason)

    def _give_up(self, reason: Exception) -> None:
        self.given_up += 1
        log.warning("action_given_up", extra={"reason": str(reason)})


async def _stop() -> None:
    """Ends the worker that runs it."""
    raise asyncio.CancelledError
