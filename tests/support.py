"""Helpers of the tests. No test sleeps for a fixed time: it waits for what it expects."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from infra.local.daemon import Daemon

T = TypeVar("T")


# What takes a second may take many on a machine that does other things, too.
PATIENCE_SECONDS = 90


def wait_for(condition: Callable[[], T], timeout: float = PATIENCE_SECONDS, interval: float = 0.05) -> T:
    """The first true value of `condition`, asked every `interval` s; AssertionError after `timeout` s."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {timeout} s; the last value was {value!r}"
        time.sleep(interval)
    return value


@contextmanager
def frozen(daemon: Daemon) -> Iterator[None]:
    """It keeps its connections and answers nobody, as a machine that is far too busy."""
    pid = daemon.pid()
    assert pid is not None
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGCONT)
