"""What RSA alone allows on this machine, measured in the same run as the rest."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local.tools import search_path

PROGRAM = Path(__file__).with_name("rsa.js")
SECONDS = 3


@dataclass(frozen=True)
class RsaRate:
    """RSA-2048 signatures a second on all cores, and the CPU time of one in milliseconds."""

    per_s: float
    cpu_ms: float

    def allows(self, unsigned_per_s: float) -> float:
        """Mails a second if a signature came on top of all that an unsigned mail costs.

        Both take all cores, so their times a mail add up.
        """
        return 1 / (1 / unsigned_per_s + 1 / self.per_s)


def measure() -> RsaRate:
    """Takes SECONDS."""
    done = subprocess.run(
        ("node", str(PROGRAM), str(SECONDS)),
        env={"PATH": search_path()},
        capture_output=True,
        text=True,
        check=True,
    )
    return RsaRate(**json.loads(done.stdout))
