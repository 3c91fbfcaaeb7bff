"""Whether it reaches anyone, and where it would reach nobody."""

from collections.abc import Iterator

from sidecars.broadcasts.rehearsal.audience import NOT_LOOKED_UP
from sidecars.broadcasts.rehearsal.findings import Finding, or_passed, skipped, warning
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal

SHOWN = 5


def reached(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Recipients at domains that no server takes mail for, whose mails bounce."""
    audience = rehearsal.audience
    found: list[Finding] = []
    if dead := audience.dead_domains:
        largest = sorted(dead, key=lambda domain: -dead[domain])
        found.append(
            warning(
                f"No server takes mail for {sum(dead.values()):,} of {audience.total:,} recipients.",
                "They bounce: look for typing errors, and take them off the list.",
                ", ".join(largest[:SHOWN]) + (", …" if len(dead) > SHOWN else ""),
            )
        )
    if unknown := audience.by_provider.get(NOT_LOOKED_UP):
        found.append(
            skipped(
                f"{unknown:,} recipients are at domains whose provider was not looked up: "
                "small ones beyond the largest, or DNS did not answer."
            )
        )
    yield from or_passed(found, f"Recipients: {audience.total:,}. Providers: {len(audience.by_provider)}.")
