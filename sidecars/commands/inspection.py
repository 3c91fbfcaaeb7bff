"""Received mails looked at by others' eyes: the standard library's parser, dkimpy, the readers' own links.

Nothing of `sidecars.mail` takes part, so that what composed a mail does not also judge it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from itertools import islice

import dkim
import dns.resolver
import requests

from sidecars.names import HEADER_MESSAGE_ID
from sidecars.settings import settings

LINK = re.compile(r'href="(http[^"]+)"')
PAGE = 500


@dataclass(frozen=True)
class Inspected:
    """One mail: whose it is, what is wrong with it (empty: nothing), and the links a reader can follow."""

    message_id: str
    recipient: str
    faults: tuple[str, ...]
    links: tuple[str, ...]
    one_click: str


def inspect_mails(simulator: str, broadcast_id: int, watch: Callable[[int], None]) -> list[Inspected]:
    """Looks at every mail of the broadcast that the simulator received; `watch` is told how many so far."""
    found: list[Inspected] = []
    with ProcessPoolExecutor() as workers:
        for inspected in workers.map(inspect, _raw_mails(simulator, broadcast_id), chunksize=50):
            found.append(inspected)
            watch(len(found))
    twice = [mail for mail, times in Counter(each.message_id for each in found).items() if times > 1]
    if twice:
        raise AssertionError(f"received more than once: {', '.join(twice[:5])}")
    return found


def inspect(raw: bytes) -> Inspected:
    """Parses one mail as received, and verifies its signature by the key in DNS."""
    mail = message_from_bytes(raw, policy=policy.default)
    bodies = [_content(mail, kind) for kind in ("plain", "html")]
    faults = [
        *(f"parser: {defect}" for part in mail.walk() for defect in part.defects),
        *(f"no {name}" for name in ("From", "To", "Subject", "Date", "Message-ID") if not mail[name]),
        *(f"no {kind} part" for kind, body in zip(("text", "HTML"), bodies, strict=True) if not body),
        *(f"merge field left in: {body[at : at + 40]!r}" for body in bodies if (at := body.find("{{")) >= 0),
    ]
    if mail["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
        faults.append("no one-click unsubscribe (RFC 8058)")
    if not dkim.verify(raw, dnsfunc=_text_record):
        faults.append("DKIM signature does not verify")
    return Inspected(
        message_id=str(mail[HEADER_MESSAGE_ID]),
        recipient=str(mail["To"]),
        faults=tuple(faults),
        links=tuple(LINK.findall(bodies[1])),
        one_click=re.sub(r"^.*<(http[^>]+)>.*$", r"\1", str(mail["List-Unsubscribe"])),
    )


def follow(mail: Inspected) -> Iterator[str]:
    """Opens each link of a mail, and unsubscribes its reader; yields what went wrong."""
    for link in mail.links:
        answer = requests.get(link, allow_redirects=False, timeout=10)
        leads_on = answer.status_code == 302 and answer.headers["Location"].startswith("http")
        if not leads_on and answer.status_code != 200:
            yield f"{link} answered {answer.status_code}"
    answer = requests.post(mail.one_click, data={"List-Unsubscribe": "One-Click"}, timeout=10)
    if not answer.ok:
        yield f"one-click unsubscribe answered {answer.status_code}"


def _content(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return "" if part is None else str(part.get_content())


def _raw_mails(simulator: str, broadcast_id: int) -> Iterator[bytes]:
    session = requests.Session()
    after: int | None = 0
    while after is not None:
        query = {"broadcast_id": broadcast_id, "after": after, "limit": PAGE}
        page = session.get(f"{simulator}/mails", params=query, timeout=30).json()
        for mail in page["mails"]:
            yield session.get(f"{simulator}/mails/{mail['id']}/raw", timeout=30).content
        after = page["next"]


@cache
def _text_record(name: bytes, timeout: int = 5) -> bytes | None:
    """dkimpy's way to DNS: the TXT record at `name`, by the resolvers that the platform itself asks."""
    resolver = dns.resolver.Resolver(configure=not settings.dns_servers)
    if settings.dns_servers:
        host, _, port = settings.dns_servers.split(",")[0].rpartition(":")
        resolver.nameservers, resolver.port = [host], int(port)
    try:
        answer = resolver.resolve(name.decode(), "TXT", lifetime=timeout)
    except dns.resolver.NXDOMAIN:
        return None
    return b"".join(next(islice(answer, 1)).strings)
