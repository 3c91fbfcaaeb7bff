"""What one run of the comparison found."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Run:
    """One system, one mode, one number of mails.

    `received` and `unique` are the sink's counts. `msg_per_s` is from the start (publishing, or the source's
    first command) to the last mail at the sink. CPU is from there to when nothing was left to do; that of the
    source and the sink is `harness_cpu_ms_per_mail`. Memory is in MB of 10^6 bytes; `more` is what few have.
    """

    system: str
    mode: str
    n: int
    received: int
    unique: int
    msg_per_s: float
    cpu_ms_per_mail: dict[str, float]
    peak_mb: dict[str, float]
    harness_cpu_ms_per_mail: dict[str, float]
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether each mail arrived, once."""
        return self.received == self.unique == self.n

    def as_json(self) -> dict[str, Any]:
        """Fields of `more` beside the others."""
        fields = asdict(self)
        more = fields.pop("more")
        return {**fields, **more}
