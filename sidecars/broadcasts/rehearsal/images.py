"""Images: what stands there for who does not see them, and whether they load."""

import io
from collections import defaultdict
from collections.abc import Iterator

import imagesize

from sidecars.broadcasts.rehearsal.findings import Finding, failure, or_passed, skipped, warning
from sidecars.broadcasts.rehearsal.page import Image
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal

# Ours: what a phone loads in a second or two.
LARGE_OCTETS = 1_000_000
LARGE_IN_ALL = 3_000_000
# A screen of twice the density shows twice the pixels; more is loaded in vain.
DENSITY = 2
MOST_ASKED = 60


def described(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Each image has an alt text; an empty one says that it is decoration."""
    images = _images(rehearsal)
    yield from or_passed(
        (
            warning(
                "The image has no alt text: who sees no images, or hears the mail, gets nothing of it.",
                'Say in alt="…" what it shows; alt="" where it only decorates.',
                image.src,
            )
            for image in images
            if image.alt is None
        ),
        f"Images: {len(images)}, each with an alt text." if images else "There are no images.",
    )


def sized(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Each image has a width; without one Outlook shows it as large as its file is."""
    images = _images(rehearsal)
    yield from or_passed(
        (
            warning(
                "The image has no width: Outlook shows it as large as its file is.",
                'Add width="…" in pixels.',
                image.src,
            )
            for image in images
            if not image.is_sized
        ),
        "All images say how wide they are." if images else "There are no images.",
    )


def loaded(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Each image is loaded: which are broken, too heavy, wider than they are shown."""
    images = _images(rehearsal)
    by_src: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        by_src[image.src].append(image)
    web = [src for src in by_src if src.lower().startswith(("http://", "https://"))]
    if len(web) > MOST_ASKED:
        yield skipped(f"Of {len(web)} images only the first {MOST_ASKED} were loaded.")
    found, total = [], 0
    for src, answer in rehearsal.web.ask(web[:MOST_ASKED], with_content=True).items():
        if answer.fault or answer.status != 200:
            why = answer.fault or f"the server answers {answer.status}"
            found.append(failure(f"The image does not load: {why}.", "Correct its address.", src))
            continue
        total += len(answer.octets)
        found += _weighed(src, answer.octets, by_src[src])
    if total > LARGE_IN_ALL:
        found.append(
            warning(f"All images together have {_kb(total)}.", "Make them smaller: phones load them too.")
        )
    found += [
        warning(
            "The image is no web address: most mail programs show nothing of it.",
            "Put it on a server, and write its https:// address.",
            src[:200],
        )
        for src in by_src
        if src not in web
    ]
    yield from or_passed(
        found, f"Images loaded: {len(web)}, {_kb(total)} in all." if web else "There are no images."
    )


def _weighed(src: str, octets: bytes, images: list[Image]) -> Iterator[Finding]:
    if len(octets) > LARGE_OCTETS:
        yield warning(f"The image has {_kb(len(octets))}.", "Make it smaller: phones load it too.", src)
    width, _ = imagesize.get(io.BytesIO(octets))
    shown = max((image.width for image in images if image.width), default=None)
    if width > 0 and shown and width > DENSITY * shown:
        yield warning(
            f"The image is {width} pixels wide, and shown at {shown}.",
            f"{DENSITY * shown} pixels are enough for every screen.",
            src,
        )


def _images(rehearsal: Rehearsal) -> list[Image]:
    """The author's, each once."""
    found = [image for mail in rehearsal.mails for image in mail.page.images if not mail.is_pixel(image.src)]
    return list(dict.fromkeys(found))


def _kb(octets: int) -> str:
    return f"{octets / 1000:,.1f} KB"
