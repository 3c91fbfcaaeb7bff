"""Was it a person? A judgement of one open or click, with its reasons. Pure.

Some signs decide by themselves; two of the weak ones, which people show too now and then, decide together.
Where nothing speaks against a person, it was one. Raw events are kept, so a better rule can be replayed.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from crawleruseragents import is_crawler

Name = Literal["person", "privacy_proxy", "scanner", "bot"]

# Nobody reads a mail and picks a link faster; filters follow links as the mail arrives.
FAST_SECONDS = 5.0
# A person opens one link and looks at it; a scanner opens many at once.
BURST_SECONDS = 2.0
BURST_LINKS = 3

_DATA_CENTRES = re.compile(
    r"amazon|aws|microsoft|google|digitalocean|hetzner|ovh|linode|akamai|oracle|alibaba|tencent|vultr|choopa"
    r"|leaseweb|scaleway|contabo|m247|datacamp|hosting|data ?cent|server|cloud",
    re.IGNORECASE,
)


class Agent(NamedTuple):
    """A program of agents.toml, or a crawler. `hides_reader`: its address and client are not the reader's."""

    verdict: Name
    reason: str
    hides_reader: bool


class Verdict(NamedTuple):
    """`reasons` are sentences' halves for the report; a person may have some too."""

    name: Name
    reasons: list[str]


@dataclass(frozen=True)
class Visit:
    """What is known of one request for a pixel or a link.

    `network` is the name of the address's autonomous system, `seconds_after_delivery` None where the
    delivery is not known yet, `links_at_once` the distinct links of the mail that were followed within
    BURST_SECONDS of this request, itself included (0 for a pixel).
    """

    user_agent: str
    http_method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    seconds_after_delivery: float | None = None
    links_at_once: int = 0


def judge(visit: Visit) -> Verdict:
    """The verdict: a strong sign decides, else two weak ones, else it was a person."""
    strong = list(_strong_signs(visit))
    if strong:
        return Verdict(strong[0][0], [reason for _, reason in strong])
    known = agent(visit.user_agent)
    if known is not None:  # a proxy through which a person looks
        return Verdict("person", [known.reason])
    weak = list(_weak_signs(visit))
    return Verdict("scanner" if len(weak) > 1 else "person", weak)


def _strong_signs(visit: Visit) -> Iterator[tuple[Name, str]]:
    known = agent(visit.user_agent)
    if known is not None and known.verdict != "person":
        yield known.verdict, known.reason
    if not visit.user_agent:
        yield "bot", "no user agent"
    if visit.http_method == "HEAD":
        yield "scanner", "asked for the headers only"
    if any(_PREFETCH.search(visit.headers.get(name, "")) for name in _PURPOSES):
        yield "scanner", "a prefetch or preview by its own word"
    if visit.links_at_once >= BURST_LINKS:
        yield "scanner", f"{visit.links_at_once} links within {BURST_SECONDS:.0f} s"


# Sec-Purpose is the Fetch standard's; the others came before it.
_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_PREFETCH = re.compile("prefetch|preview|prerender", re.IGNORECASE)


def _weak_signs(visit: Visit) -> Iterator[str]:
    # Before it, too: a delivery is known a second or so after it happened.
    if visit.seconds_after_delivery is not None and abs(visit.seconds_after_delivery) < FAST_SECONDS:
        yield f"within {FAST_SECONDS:.0f} s of delivery"
    if visit.links_at_once == BURST_LINKS - 1:
        yield f"{visit.links_at_once} links within {BURST_SECONDS:.0f} s"
    if _DATA_CENTRES.search(visit.network):
        yield f"from a data centre ({visit.network})"
    if visit.links_at_once and "accept-language" not in visit.headers:
        yield "no language, which browsers send"


@lru_cache(maxsize=20_000)
def agent(user_agent: str) -> Agent | None:
    """The program that calls itself so; None for browsers and mail programs."""
    for pattern, known in _AGENTS:
        if pattern.search(user_agent):
            return known
    return _CRAWLER if user_agent and is_crawler(user_agent) else None


_CRAWLER = Agent("bot", "a crawler or script by its user agent", hides_reader=True)
_AGENTS = [
    (
        re.compile(entry["pattern"]),
        Agent(entry["verdict"], entry["reason"], entry.get("hides_reader", False)),
    )
    for entry in tomllib.loads(Path(__file__).with_name("agents.toml").read_text())["agent"]
]
