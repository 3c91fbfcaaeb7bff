"""Waiting for a run, and telling the terminal how far it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Looking takes CPU from what is measured.
LOOK_SECONDS = 0.25
# What has not grown for so long will not.
PATIENCE_SECONDS = 30.0

Watch = Callable[[int], None]  # told how many mails the sink has


@contextmanager
def shown(console: Console, label: str, mails: int) -> Iterator[Watch]:
    """A bar for one run, which goes when the run ends."""
    columns = (TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=2) as progress:
        task = progress.add_task(label, total=mails)
        yield lambda received: progress.update(task, completed=received)


def wait_for(count: Callable[[], int], wanted: int, watch: Watch = lambda _: None) -> float:
    """Waits until `count` reaches `wanted`, or has not grown for PATIENCE_SECONDS; returns the moment."""
    last, grown = -1, time.time()
    while last < wanted and time.time() - grown < PATIENCE_SECONDS:
        if (now := count()) > last:
            last, grown = now, time.time()
            watch(now)
        if now < wanted:
            time.sleep(LOOK_SECONDS)
    return grown
