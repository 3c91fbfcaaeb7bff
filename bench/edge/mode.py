"""The ways in which mail is sent in the comparison."""

from dataclasses import dataclass

SELECTOR = "bench"


@dataclass(frozen=True)
class Mode:
    """`signed`: DKIM, RSA-2048; `tls`: the sink offers STARTTLS; `delay_ms`: how late it answers the dot."""

    name: str
    signed: bool = False
    tls: bool = False
    delay_ms: int = 0


MODES = {
    mode.name: mode
    for mode in (
        Mode("unsigned"),
        Mode("signed", signed=True),
        Mode("signed_tls", signed=True, tls=True),
        Mode("slow_sink", delay_ms=200),
    )
}
