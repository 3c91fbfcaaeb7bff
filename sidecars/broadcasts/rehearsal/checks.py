"""The list of checks. A new one is a function that yields findings, and a line here; each is made once.

They run in this order, which is the order in which one would mend things.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sidecars.broadcasts.rehearsal import (
    authentication,
    images,
    links,
    merge_fields,
    parts,
    publishing,
    reach,
    size,
    spam,
    unsubscribe,
)
from sidecars.broadcasts.rehearsal.audience import Recipients
from sidecars.broadcasts.rehearsal.duration import Duration
from sidecars.broadcasts.rehearsal.findings import Finding, Status, skipped
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal
from sidecars.mail.recipients import Recipient
from sidecars.models import Broadcast

log = logging.getLogger(__name__)

Check = Callable[[Rehearsal], Iterable[Finding]]

CHECKS: dict[str, Check] = {
    "publishable": publishing.publishable,
    "composed": publishing.composed,
    "dkim": authentication.dkim,
    "spf": authentication.spf,
    "dmarc": authentication.dmarc,
    "tracking_host": authentication.tracking_host,
    "unsubscribe_header": unsubscribe.one_click,
    "unsubscribe_link": unsubscribe.link,
    "gmail_clipping": size.gmail_clipping,
    "size": size.whole,
    "links_alive": links.alive,
    "links_redirects": links.redirects,
    "links_shortened": links.shorteners,
    "links_honest": links.honest,
    "links_encrypted": links.encrypted,
    "links_domains": links.domains,
    "images_alt": images.described,
    "images_size": images.sized,
    "images_load": images.loaded,
    "text_part": parts.text_part,
    "subject": parts.subject,
    "preheader": parts.preheader,
    "spam_filter": spam.judged,
    "merge_fields": merge_fields.filled,
    "recipients": reach.reached,
}


@dataclass(frozen=True)
class Outcome:
    """All of a rehearsal."""

    findings: list[Finding]
    recipients: Recipients
    duration: Duration

    def number(self, status: Status) -> int:
        """Findings of one status."""
        return sum(finding.status is status for finding in self.findings)


def rehearse(broadcast: Broadcast, reader: Recipient | None = None) -> Outcome:
    """Makes every check; nothing is sent, and nothing of the broadcast changes. Raises WrongState.

    Takes seconds, with slow links up to a minute.
    """
    rehearsal = Rehearsal(broadcast, reader)
    findings = [finding for name, check in CHECKS.items() for finding in _made(name, check, rehearsal)]
    return Outcome(findings, rehearsal.audience, rehearsal.duration)


def _made(name: str, check: Check, rehearsal: Rehearsal) -> Iterator[Finding]:
    """The check's findings with its name. One that breaks holds up no other."""
    try:
        found = list(check(rehearsal))
    except Exception as error:  # of whatever a check asks: a service away, an answer that nobody foresaw
        log.exception("check broke", extra={"check": name, "broadcast_id": rehearsal.broadcast.id})
        found = [skipped(f"The check broke: {error}"[:500], "See the log.")]
    yield from (replace(finding, check=name) for finding in found)


def as_markdown() -> str:
    """The table of docs/rehearsal.md, by what the checks say of themselves."""
    rows = [f"| `{name}` | {' '.join((check.__doc__ or '').split())} |" for name, check in CHECKS.items()]
    return "\n".join(["| Check | What is looked at |", "|---|---|", *rows])


if __name__ == "__main__":
    print(as_markdown())
