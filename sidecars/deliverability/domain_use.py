"""Whether a domain is in use as one that people can answer to; providers ask this of senders too."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sidecars.deliverability.dns_lookup import LookUp
from sidecars.deliverability.record_judges import Verdict

PARKING = Path(__file__).parent / "parking.toml"


def replies(domain: str, look_up: LookUp) -> Verdict:
    """Whether an answer to the From address arrives (RFC 5321, 5.1). Receivers ask this of senders too."""
    exchangers = look_up(domain, "MX")
    hosts = _hosts(exchangers)
    if hosts == ["."]:
        return Verdict(
            False,
            exchangers,
            "A null MX (RFC 7505) says that this domain takes no mail: replies fail, and many receivers "
            "refuse what it sends (RFC 7505, 4.2). Give it an MX record.",
        )
    if not hosts:
        addresses = look_up(domain, "A") + look_up(domain, "AAAA")
        instead = f" They would go to its address, {addresses[0]}." if addresses else ""
        return Verdict(
            False,
            addresses,
            f"There is no MX record, so replies to the From address may be lost.{instead} Add one, even if "
            "replies go elsewhere by Reply-To: some receivers refuse a sender that cannot be answered.",
        )
    lost = [host for host in hosts if not (look_up(host, "A") or look_up(host, "AAAA"))]
    if len(lost) == len(hosts):
        return Verdict(False, exchangers, f"No MX host has an address: {', '.join(lost)}.")
    return Verdict(True, exchangers, "Replies arrive.")


def parked(domain: str, look_up: LookUp) -> Verdict:
    """Whether the domain is for sale, or says that it is not used for mail; either harms what it sends."""
    zone, servers = name_servers(domain, look_up)
    service = next((server for server in servers if is_below(server, _parking()["name_servers"])), None)
    if service:
        return Verdict(
            False,
            servers,
            f"{zone} is parked: its name server {service} is that of a service which sells domains.",
        )
    exchangers = look_up(domain, "MX")
    host = next((host for host in _hosts(exchangers) if is_below(host, _parking()["exchangers"])), None)
    if host:
        return Verdict(False, exchangers, f"{domain} is parked: its mail goes to {host}.")
    texts = look_up(domain, "TXT")
    if any(re.fullmatch(r"v=spf1\s+-all\s*", text, re.IGNORECASE) for text in texts):
        return Verdict(
            False,
            texts,
            f'The SPF record "v=spf1 -all" of {domain} says that it sends no mail, as parked domains do. '
            "Remove it, or name who may send.",
        )
    return Verdict(True, servers, "In use.")


def name_servers(name: str, look_up: LookUp) -> tuple[str, list[str]]:
    """The zone that `name` is in, and its name servers; ("", []) where none are found."""
    for parent in upwards(name):
        if found := look_up(parent, "NS"):
            return parent, sorted(found)
    return "", []


def is_below(name: str, parents: list[str]) -> bool:
    """Whether `name` is one of `parents`, or below one."""
    return any(name == parent or name.endswith(f".{parent}") for parent in parents)


def upwards(name: str) -> Iterator[str]:
    """`a.b.example` → a.b.example, b.example. The top-level domain is nobody's to sell."""
    labels = name.split(".")
    for depth in range(len(labels) - 1):
        yield ".".join(labels[depth:])


def _hosts(exchangers: list[str]) -> list[str]:
    return [text.split()[-1] for text in exchangers]


@cache
def _parking() -> dict[str, list[str]]:
    return tomllib.loads(PARKING.read_text())
