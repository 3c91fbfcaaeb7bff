"""Links: whether they lead somewhere, by what ways, and whether they lead where they say."""

import ipaddress
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from sidecars.broadcasts.rehearsal.findings import Finding, failure, or_passed, skipped, warning
from sidecars.broadcasts.rehearsal.mail import Place
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal
from sidecars.broadcasts.rehearsal.web import Answer
from sidecars.deliverability.providers import registrable

MOST_ASKED = 60
MANY_REDIRECTS = 3
# Ours: a letter that leads to more places than this reads like an advertising leaflet.
MANY_DOMAINS = 8
# The server is there, and would not tell a program.
_NOT_FOR_ROBOTS = {401, 403, 405, 407, 429, 451, 503, 999}
_LOOKS_LIKE_A_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,24})(?:[/:?#]\S*)?", re.IGNORECASE)


def alive(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Each link is asked for: which are dead, which answer people only."""
    targets = _targets(rehearsal)
    if len(targets) > MOST_ASKED:
        yield skipped(f"Of {len(targets)} links only the first {MOST_ASKED} were asked.")
    answers = rehearsal.web.ask(list(targets)[:MOST_ASKED])
    yield from or_passed(
        (finding for url, answer in answers.items() for finding in _dead(url, answer, targets[url].text)),
        f"Links asked: {len(answers)}. Each leads somewhere." if answers else "There are no links.",
    )


def redirects(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Links that redirect to another domain, or many times."""
    targets = list(_targets(rehearsal))[:MOST_ASKED]
    answers = rehearsal.web.ask(targets)
    yield from or_passed(
        (finding for url, answer in answers.items() for finding in _roundabout(url, answer)),
        "Every link is the last address of its way.",
    )


def shorteners(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Links by services that hide where they lead."""
    hosts = {url: _host(url) for url in _targets(rehearsal)}
    yield from or_passed(
        (
            warning(
                f"{host} hides where the link leads, as spam does; filters count that, and some block it.",
                "Write the address itself; clicks are counted anyway.",
                url,
            )
            for url, host in hosts.items()
            if host in _shorteners() or registrable(host) in _shorteners()
        ),
        "No link goes by a shortener.",
    )


def honest(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Where a link's text reads as an address, the link leads to that address."""
    places = [(place, mail) for mail in rehearsal.mails for place in mail.links()]
    yield from or_passed(
        (finding for place, mail in places for finding in _dishonest(place, mail.tracking_url)),
        "No text names another address than the one that its link leads to.",
    )


def encrypted(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Links without TLS."""
    yield from or_passed(
        (
            warning(
                "The link has no TLS: some mail programs warn before they open it.",
                "Write https:// if the site has it.",
                url,
            )
            for url in _targets(rehearsal)
            if url.lower().startswith("http://")
        ),
        "All links are https.",
    )


def domains(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Links to bare IP addresses, or to very many domains."""
    hosts = {url: _host(url) for url in _targets(rehearsal)}
    found = [
        failure(
            "The link leads to a bare IP address, as phishing does.",
            "Give the site a name, and link to that.",
            url,
        )
        for url, host in hosts.items()
        if _is_address(host)
    ]
    others = {registrable(host) for host in hosts.values()}
    if len(others) > MANY_DOMAINS:
        found.append(
            warning(
                f"The links lead to {len(others)} domains, and each domain's reputation counts for the mail.",
                "Link to fewer, or to a page of your own that leads on.",
                ", ".join(sorted(others)[:MANY_DOMAINS]) + ", …",
            )
        )
    yield from or_passed(found, f"Domains that links lead to: {', '.join(sorted(others)) or 'none'}.")


def _targets(rehearsal: Rehearsal) -> dict[str, Place]:
    """Every web address that the mails lead to, once."""
    found: dict[str, Place] = {}
    for mail in rehearsal.mails:
        for place in mail.links():
            if place.target.lower().startswith(("http://", "https://")):
                found.setdefault(place.target.partition("#")[0], place)
    return found


def _dead(url: str, answer: Answer, text: str) -> Iterator[Finding]:
    named = f' ("{text[:60]}")' if text else ""
    if answer.refused:
        yield failure(f"Not for readers: {answer.fault}.", "Link to a public address.", url)
    elif answer.fault:
        yield failure(f"The link is dead: {answer.fault}.{named}", "Correct it, or take it out.", url)
    elif answer.status in _NOT_FOR_ROBOTS:
        yield warning(
            f"The server answers {answer.status}, perhaps to programs only.{named}",
            "Open it once yourself.",
            url,
        )
    elif answer.status >= 400:
        yield failure(
            f"The link is dead: the server answers {answer.status}.{named}",
            "Correct it, or take it out.",
            url,
        )


def _roundabout(url: str, answer: Answer) -> Iterator[Finding]:
    if not answer.hops or answer.fault:
        return
    if registrable(_host(url)) != registrable(_host(answer.url)):
        yield warning(
            f"The link redirects to another domain: {answer.url[:200]}",
            "Link to where it ends.",
            url,
        )
    elif answer.hops > MANY_REDIRECTS:
        yield warning(
            f"The link redirects {answer.hops} times.", f"Link to where it ends: {answer.url[:200]}", url
        )


def _dishonest(place: Place, tracking_url: str) -> Iterator[Finding]:
    named = _LOOKS_LIKE_A_HOST.fullmatch(place.text)
    if not named or not place.target.lower().startswith(("http://", "https://")):
        return
    said = registrable(named[1])
    if said != registrable(_host(place.target)):
        yield failure(
            f'The text says "{place.text[:80]}" and the link leads to {_host(place.target)}: '
            "that is what phishing looks like.",
            "Let the text name the same site, or write words.",
            place.target,
        )
    elif place.href != place.target and said != registrable(_host(tracking_url)):
        yield warning(
            f'The text says "{place.text[:80]}", and as clicks are counted the link itself leads to '
            f"{_host(tracking_url)} first.",
            'Write words in its place, put data-track="off" on the link, or use a link host of your own.',
            place.target,
        )


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _shorteners() -> frozenset[str]:
    data = tomllib.loads(Path(__file__).with_name("shorteners.toml").read_text())
    return frozenset(each["name"] for each in data["shortener"])
