"""What can be done to a part of the site: each blow falls, lasts for a while, and is taken back."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import requests

from chaos.site import Site
from infra.local.errors import LocalError
from infra.local.processes import SIMULATOR

# The simulator stands for servers of others: it is not killed, but every connection to it; or it hangs.
CONNECTIONS = "connections"
# The clock that opens expired leases is a thread of each fanout.
PROCESSES = ("fanout", "smtp", "webhook", "enricher")
SERVICES = ("kafka", "clickhouse", "mariadb", "redis")
VICTIMS = (*PROCESSES, *SERVICES, CONNECTIONS)
STARTS = 3


@dataclass(frozen=True)
class Blow:
    """`fall` strikes the victim of that name, `rise` takes it back and returns when the victim is well.

    `lasts` are the fewest and the most seconds between the two.
    """

    how: str
    lasts: tuple[float, float]
    fall: Callable[[Site, str], None]
    rise: Callable[[Site, str], None]


def kill() -> Blow:
    """SIGKILL, and a new start; a supervisor needs a moment to see that a process has ended."""
    return Blow("SIGKILL", (0.0, 2.0), _kill, _start)


def stop(seconds: float) -> Blow:
    """SIGSTOP for so long, then SIGCONT."""
    return Blow(
        f"SIGSTOP {seconds:g} s",
        (seconds, seconds),
        lambda site, name: _signal(site, name, signal.SIGSTOP),
        lambda site, name: _signal(site, name, signal.SIGCONT),
    )


def jump(seconds: int) -> Blow:
    """The wall clock is so much ahead for a while (behind, if negative), then right again."""
    return Blow(
        f"clock {seconds:+} s",
        (4.0, 8.0),
        lambda site, name: site.clocks.put_ahead(site.daemon(name), seconds),
        lambda site, name: site.clocks.put_ahead(site.daemon(name), 0),
    )


def fill_disk() -> Blow:
    """The disk is full for a while. Whoever cannot live with that is started when it is not."""

    def free(site: Site, name: str) -> None:
        site.disks[name].free()
        _start(site, name)

    return Blow("disk full", (3.0, 8.0), lambda site, name: site.disks[name].fill(), free)


def _kill(site: Site, name: str) -> None:
    if name == CONNECTIONS:
        requests.post(f"{site.simulator}/connections/cut", timeout=10).raise_for_status()
        return
    _signal(site, name, signal.SIGKILL)
    while site.daemon(name).pid() is not None:
        time.sleep(0.01)


def _start(site: Site, name: str) -> None:
    """As a supervisor would: again, where it ended while it started or was about to end."""
    if name == CONNECTIONS:
        return
    for tries_left in reversed(range(STARTS)):
        try:
            site.start(name)
            return
        except LocalError:
            if not tries_left or site.daemon(name).pid() is not None:
                raise


def _signal(site: Site, name: str, number: signal.Signals) -> None:
    """To the process and all that it started: each daemon leads a group of its own."""
    pid = site.daemon(SIMULATOR if name == CONNECTIONS else name).pid()
    if pid is not None:
        os.killpg(pid, number)
