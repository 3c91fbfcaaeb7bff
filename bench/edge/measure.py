"""What processes use while something runs: CPU time by the kernel's own account, and memory, sampled.

A process is measured with all that it started, but for what is measured by itself. Memory is Pss (proc(5),
/proc/PID/smaps_rollup): pages that processes share are divided among them, so that the sum over processes is
what they take together.
"""

import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 2.0
PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Process:
    """One line of the kernel's table."""

    pid: int
    parent: int
    ticks: int  # its own and those of its children that have ended and were waited for


class Meter:
    """Measures process trees, each given by name and first process, from `with` or `restart` on."""

    def __init__(self, roots: Mapping[str, int], together: Collection[str] = ()) -> None:
        self._roots = dict(roots)
        self._together = together
        self._stopped = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self.restart()

    def __enter__(self) -> "Meter":
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._sampler.join()

    def restart(self) -> None:
        """Forgets what was used so far."""
        self._ticks_before = self._ticks()
        self._peaks: dict[str, float] = {}
        self._peak_together = 0.0

    def cpu_ms(self, mails: int) -> dict[str, float]:
        """Milliseconds of CPU time a mail, user and system, by name."""
        used = {name: ticks - self._ticks_before[name] for name, ticks in self._ticks().items()}
        return {name: round(ticks / CLOCK_TICKS * 1000 / max(mails, 1), 4) for name, ticks in used.items()}

    def peak_mb(self) -> dict[str, float]:
        """The most memory that each had, in MB of 10^6 bytes."""
        self._look()
        return {name: round(peak, 1) for name, peak in self._peaks.items()}

    def peak_together_mb(self) -> float:
        """The most memory that those named as `together` had at the same moment."""
        return round(self._peak_together, 1)

    def _ticks(self) -> dict[str, int]:
        return {name: sum(process.ticks for process in tree) for name, tree in self._trees()}

    def _trees(self) -> Iterator[tuple[str, list[Process]]]:
        roots = set(self._roots.values())
        children: dict[int, list[Process]] = {}
        table = {process.pid: process for process in processes()}
        for process in table.values():
            children.setdefault(process.parent, []).append(process)
        for name, root in self._roots.items():
            tree = [table[root]] if root in table else []
            for process in tree:  # grows while it is walked
                tree += (child for child in children.get(process.pid, []) if child.pid not in roots)
            yield name, tree

    def _sample(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        now = {name: sum(pss_mb(process.pid) for process in tree) for name, tree in self._trees()}
        self._peaks = {name: max(mb, self._peaks.get(name, 0)) for name, mb in now.items()}
        self._peak_together = max(self._peak_together, sum(now[name] for name in self._together))


def processes() -> Iterator[Process]:
    """All that run; proc(5), /proc/PID/stat."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # The second field, the program's name, may hold spaces and parentheses.
            fields = stat.read_text().rpartition(")")[2].split()
            yield Process(int(stat.parent.name), int(fields[1]), sum(map(int, fields[11:15])))


def pss_mb(pid: int) -> float:
    """MB that a process holds; 0 where it has ended."""
    try:
        found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0.0
    return int(found[1]) * 1024 / 1e6 if found else 0.0
