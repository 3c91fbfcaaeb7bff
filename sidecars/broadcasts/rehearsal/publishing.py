"""What publishing itself would refuse."""

from collections.abc import Iterator

from sidecars.broadcasts.rehearsal.findings import Finding, failure, or_passed, skipped
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal


def publishable(rehearsal: Rehearsal) -> Iterator[Finding]:
    """What publishing itself would refuse: sender, audience, each part of the mail."""
    yield from or_passed(
        (
            failure(problem.message, "Publishing would be refused until then.", problem.field)
            for problem in rehearsal.problems
        ),
        "Publishing would take it.",
    )


def composed(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Of each variant comes a real mail for a real contact, of which the other checks are made."""
    mails = rehearsal.mails
    yield from (
        failure(f"There is no mail for this contact: {fault}", "Mend the template, or the contact.", place)
        for place, fault in rehearsal.uncomposed
    )
    if mails:
        reader = rehearsal.reader
        whom = f"contact {reader.contact_id}" if reader.contact_id else "a made-up reader"
        yield from or_passed([], f"Composed for {whom}; variants: {len(mails)}.")
    else:
        yield skipped("There is no mail to look at; publishable says why.")
