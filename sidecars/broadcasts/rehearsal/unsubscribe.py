"""The ways out of the list: for mail programs, and for eyes."""

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from sidecars.broadcasts.rehearsal.findings import Finding, failure, or_passed, passed, skipped, warning
from sidecars.broadcasts.rehearsal.mail import WAYS_OUT, RehearsedMail
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal
from sidecars.deliverability.dns_lookup import DnsUnavailable
from sidecars.edge.submit import NotSigned

_FIELDS = frozenset({"list-unsubscribe", "list-unsubscribe-post"})


def one_click(rehearsal: Rehearsal) -> Iterator[Finding]:
    """List-Unsubscribe has a page (https) and an address, and takes one click (RFC 8058); it is signed."""
    for mail in rehearsal.mails:
        yield from or_passed(
            _header_faults(rehearsal, mail), "List-Unsubscribe has a page for one click, and an address."
        )


def link(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Readers see a link that unsubscribes, in both parts."""
    for mail in rehearsal.mails:
        fix = 'Add <a href="{{ unsubscribe_url }}">Unsubscribe</a>.'
        ways_out = mail.ways_out()
        if not ways_out:
            yield failure("The HTML has no link that unsubscribes.", fix, f"{mail.place}body")
        elif not any(ways_out):
            yield failure("The link that unsubscribes has no text.", fix, f"{mail.place}body")
        elif not any(f"{path}/" in mail.text for path in WAYS_OUT):
            yield warning(
                "The text part has no link that unsubscribes.",
                "Add {{ unsubscribe_url }}.",
                f"{mail.place}text",
            )
        else:
            yield passed(f'"{ways_out[0][:60]}" unsubscribes, in the text part too.', mail.place)


def _header_faults(rehearsal: Rehearsal, mail: RehearsedMail) -> Iterator[Finding]:
    uris = re.findall(r"<([^>]*)>", str(mail.message["List-Unsubscribe"] or ""))
    pages = [uri for uri in uris if urlsplit(uri).scheme in ("http", "https")]
    ours = "This is ours to mend: tell whoever runs the installation."
    if not pages or not any(uri.startswith("mailto:") for uri in uris):
        yield failure("List-Unsubscribe lacks a page or an address.", ours)
    if str(mail.message["List-Unsubscribe-Post"] or "") != "List-Unsubscribe=One-Click":
        yield failure("List-Unsubscribe-Post is missing (RFC 8058).", ours)
    for page in pages:
        host = urlsplit(page).hostname or ""
        if _is_loopback(host):
            yield warning(
                f"The page is at {host}, where no reader gets to: an installation for trying out.",
                "Set TRACKING_URL to a public https:// address before you write to anyone.",
                host,
            )
        elif urlsplit(page).scheme != "https":
            yield failure(
                "The page has no TLS, so mail programs offer no unsubscribing by one click (RFC 8058, 3.1).",
                "Set TRACKING_URL to an https:// address.",
                host,
            )
    yield from _unsigned(rehearsal, mail)


def _unsigned(rehearsal: Rehearsal, mail: RehearsedMail) -> Iterator[Finding]:
    try:
        signatures = mail.signatures(rehearsal.look_up)
    except (NotSigned, DnsUnavailable):
        yield skipped("Whether the fields are signed cannot be seen; dkim says why.", "", mail.place)
        return
    if signatures and not any(signature.fields >= _FIELDS for signature in signatures):
        yield failure(
            "No signature covers both List-Unsubscribe fields (RFC 8058, 4).", "Tell us: the edge signs them."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
