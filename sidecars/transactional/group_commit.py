"""Requests that come at the same time share a transaction: one of their threads writes for all."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from peewee import DataError, IntegrityError

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiting(Generic[Item, Result]):
    """An item, and what became of it."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.turn = threading.Event()
        self.is_done = False
        self.result: Result
        self.error: Exception | None = None


class GroupCommit(Generic[Item, Result]):
    """`write` takes some items and returns a result for each, or raises, and then has done nothing.

    Where it raises one of `faults`, as the database refuses a row, each item is tried by itself, so that none
    fails for another's fault.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Result]],
        most: int = 64,
        faults: tuple[type[Exception], ...] = (IntegrityError, DataError),
    ) -> None:
        self._write = write
        self._faults = faults
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[Item, Result]] = []
        self._is_writing = False

    def add(self, item: Item) -> Result:
        """The item's result, once it is written. Raises what `write` raised for it."""
        mine = _Waiting[Item, Result](item)
        with self._lock:
            self._waiting.append(mine)
            leads = not self._is_writing
            self._is_writing = True
        if not leads:
            mine.turn.wait()
        if not mine.is_done:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _lead(self) -> None:
        """Writes what waits, our own with it, and hands on to the first of those who came meanwhile."""
        with self._lock:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            self._write_all(group)
        finally:
            with self._lock:
                following = self._waiting[:1]
                self._is_writing = bool(following)
            for each in [*group[1:], *following]:
                each.turn.set()

    def _write_all(self, group: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            for each, result in zip(group, self._write([each.item for each in group]), strict=True):
                each.result = result
        except Exception as error:
            if len(group) > 1 and isinstance(error, self._faults):
                for each in group:
                    self._write_all([each])
            else:
                for each in group:
                    each.error = error
        finally:
            for each in group:
                each.is_done = True
