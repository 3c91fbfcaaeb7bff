"""Merge fields that would leave a gap in somebody's mail."""

from collections.abc import Iterator

from sidecars.broadcasts.rehearsal.findings import Finding, failure, or_passed, warning
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal


def filled(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Of those that are written without a `default`: for how many recipients each would be empty."""
    audience = rehearsal.audience
    findings = []
    for field, gap in audience.gaps.items():
        if not gap.recipients:
            continue
        whose = f"{gap.recipients:,} of {audience.total:,} recipients, such as contact {gap.contact_id}"
        judged = failure if gap.recipients == audience.total else warning
        findings.append(
            judged(
                f"{{{{ {field} }}}} is empty for {whose}.",
                f'Say what to write instead: {{{{ {field} | default: "…" }}}}.',
                field,
            )
        )
    asked = ", ".join(audience.gaps) or "none is used without a default"
    yield from or_passed(findings, f"All merge fields are filled for everyone ({asked}).")
