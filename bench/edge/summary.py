"""What a comparison found, and what follows from it, as JSON."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.edge.rsa import RsaRate
from bench.edge.run import Run
from bench.edge.stages import Stage

STOCK = "haraka"


@dataclass
class Summary:
    """Grows while the comparison runs. `problems` tells what could not be measured, and why.

    `load` is the machine's load average when it began: near 0 where nothing else ran, as it should be.
    """

    machine: str
    date: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))
    rsa: RsaRate | None = None
    runs: list[Run] = field(default_factory=list)
    submitters: list[Run] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def write(self, file: Path) -> None:
        """As JSON: `machine` and `runs` first, the rest beside them."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.as_json(), indent=2) + "\n")

    def as_json(self) -> dict[str, Any]:
        """`times_stock` compares with the slowest of stock Haraka's runs in the same mode."""
        return {
            "machine": self.machine,
            "runs": [self._with_ratios(run, self.runs) for run in self.runs],
            "date": self.date,
            "load": self.load,
            "rsa_2048": asdict(self.rsa) if self.rsa else None,
            "submitters": [self._with_ratios(run, self.submitters) for run in self.submitters],
            "stages": [asdict(stage) for stage in self.stages],
            "problems": self.problems,
        }

    def _with_ratios(self, run: Run, among: list[Run]) -> dict[str, Any]:
        return run.as_json() | {
            "times_stock": times_stock(run, among),
            "of_rsa_bound": self.of_rsa_bound(run),
        }

    def of_rsa_bound(self, run: Run) -> float | None:
        """A signed run's speed as a part of what RSA allows, given the unsigned run of the same size."""
        unsigned = [other for other in self.runs if same_size(run, other) and other.mode == "unsigned"]
        if run.mode != "signed" or not unsigned or not self.rsa:
            return None
        return round(run.msg_per_s / self.rsa.allows(unsigned[0].msg_per_s), 3)


def same_size(run: Run, other: Run) -> bool:
    """Of one system and one number of mails."""
    return (run.system, run.n) == (other.system, other.n)


def times_stock(run: Run, among: list[Run]) -> float | None:
    """How many times as fast as stock Haraka in the same mode."""
    stock = [other for other in among if other.system == STOCK and other.mode == run.mode]
    return round(run.msg_per_s / stock[0].msg_per_s, 2) if stock and stock[0].msg_per_s else None


def machine() -> str:
    """Its processor, cores, memory and kernel."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = next(
        (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if "model name" in line), ""
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = platform.release().partition("-")[0]
    return f"{model or platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {kernel}"
