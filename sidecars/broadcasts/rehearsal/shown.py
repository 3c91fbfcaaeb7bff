"""Those checks of a rehearsal that look at content alone, for a preview: no DNS, no edge, no audience."""

from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import cast

from sidecars.broadcasts.rehearsal import images, parts, size, unsubscribe
from sidecars.broadcasts.rehearsal.findings import Finding, Status, warning
from sidecars.broadcasts.rehearsal.gaps import without_fallback
from sidecars.broadcasts.rehearsal.mail import WAYS_OUT
from sidecars.broadcasts.rehearsal.page import Page
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal
from sidecars.mail.content import PreparedContent

CHECKS = (
    parts.subject,
    parts.preheader,
    parts.text_part,
    images.described,
    images.sized,
    size.gmail_clipping,
    unsubscribe.link,
)


@dataclass(frozen=True)
class Shown:
    """A previewed mail in the place of a rehearsed one, as far as CHECKS ask it."""

    prepared: PreparedContent
    subject: str
    html: str
    text: str
    place: str = ""

    @cached_property
    def page(self) -> Page:
        """The HTML, taken apart."""
        return Page(self.html)

    def part(self, kind: str) -> None:
        """It was not encoded."""

    def is_pixel(self, src: str) -> bool:
        """A preview is not tracked."""
        return False

    def ways_out(self) -> list[str]:
        """The texts of the links that unsubscribe."""
        return [
            " ".join(each.text.split())
            for each in self.page.anchors
            if any(f"{path}/" in each.href for path in WAYS_OUT) and each.href.startswith("#")
        ]


def faults(prepared: PreparedContent, subject: str, html: str, text: str) -> list[Finding]:
    """What a reader or a provider would take amiss in a mail as one reader sees it."""
    seen = cast(Rehearsal, SimpleNamespace(mails=[Shown(prepared, subject, html, text)]))
    found = [finding for check in CHECKS for finding in check(seen) if finding.status is not Status.PASSED]
    return found + [
        warning("Where a contact has no such value, there is a gap.", "Give it a default.", name)
        for name in without_fallback([prepared])
    ]
