"""Sizes."""

from collections.abc import Iterator

from sidecars.broadcasts.rehearsal.findings import Finding, failure, passed, warning
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal

# Google names no number. Measured by others: about 102 KB of the HTML as it reads
# (https://github.com/hteumeuleu/email-bugs/issues/41), which varies with how it is encoded
# (https://www.spamresource.com/2022/01/what-is-gmail-clipping-and-what-to-do.html).
CLIPPED_OCTETS = 102_000
NEAR = 0.9
# Ours: the HTML's limit once more, for the text part and the header.
LARGE_OCTETS = 250_000


def gmail_clipping(rehearsal: Rehearsal) -> Iterator[Finding]:
    """The size of the HTML: what is beyond 102 KB Gmail hides behind a link."""
    fix = (
        "Shorten it, or take styles and comments out; the way out of the list and the pixel stand at its end."
    )
    for mail in rehearsal.mails:
        part = mail.part("html")
        reads, sent = len(mail.html.encode()), len(str(part.get_payload())) if part else 0
        figures = f"The HTML has {_kb(reads)}, {_kb(sent)} as it is sent"
        if reads > CLIPPED_OCTETS:
            yield failure(f"{figures}: Gmail clips it at {_kb(CLIPPED_OCTETS)}.", fix, mail.place)
        elif max(reads / NEAR, sent) > CLIPPED_OCTETS:
            yield warning(f"{figures}: near the {_kb(CLIPPED_OCTETS)} at which Gmail clips.", fix, mail.place)
        else:
            yield passed(f"{figures}; Gmail clips at {_kb(CLIPPED_OCTETS)}.", mail.place)


def whole(rehearsal: Rehearsal) -> Iterator[Finding]:
    """The size of the whole mail, as it goes over the wire."""
    for mail in rehearsal.mails:
        octets = len(mail.octets)
        if octets > LARGE_OCTETS:
            yield warning(
                f"The mail has {_kb(octets)}: it takes long to send and to load.", "Shorten it.", mail.place
            )
        else:
            yield passed(f"The mail has {_kb(octets)}.", mail.place)


def _kb(octets: int) -> str:
    return f"{octets / 1000:,.1f} KB"
