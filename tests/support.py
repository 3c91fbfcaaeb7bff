"""Helpers of the tests. No test sleeps for a fixed time: it waits for what it expects."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], timeout: float = 10, interval: float = 0.05) -> T:
    """The first true value of `condition`, asked every `interval` s; AssertionError after `timeout` s."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {timeout} s; the last value was {value!r}"
        time.sleep(interval)
    return value
