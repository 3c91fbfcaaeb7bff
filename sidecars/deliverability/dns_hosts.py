"""Who has a domain's DNS, and how a record is entered in the panel there."""

import re
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from sidecars.deliverability.dns_lookup import LookUp
from sidecars.deliverability.domain_records import DnsRecord, quoted
from sidecars.deliverability.domain_use import name_servers

FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class DnsHost:
    """A company with a panel for DNS records; dns_hosts.toml explains the fields."""

    key: str
    name: str
    name_servers: list[str]
    notes: list[str]
    source: str
    quoted: bool = False
    dot: bool = False


@dataclass(frozen=True)
class Panel:
    """The zone in which a domain's records are entered, and at whom; host None: one that we do not know."""

    zone: str
    host: DnsHost | None
    name_servers: list[str] = field(default_factory=list)


@cache
def known() -> dict[str, DnsHost]:
    """By key, in the file's order."""
    return {key: DnsHost(key, **fields) for key, fields in tomllib.loads(FILE.read_text()).items()}


def find(domain: str, look_up: LookUp) -> Panel:
    """By the name servers of the zone that the domain is in. Raises DnsUnavailable."""
    zone, servers = name_servers(domain, look_up)
    host = next((host for host in known().values() if any(_serves(host, name) for name in servers)), None)
    return Panel(zone or domain, host, servers)


def as_entered(record: DnsRecord, panel: Panel) -> DnsRecord:
    """The record as one types it: its name without the zone, its value as the host wants it."""
    host = panel.host
    value = record.value
    if record.type == "TXT" and host and host.quoted:
        value = quoted(value)
    if record.type == "CNAME" and host and host.dot:
        value += "."
    return replace(record, name=record.name.removesuffix(f".{panel.zone}"), value=value)


def _serves(host: DnsHost, server: str) -> bool:
    return any(re.search(rf"(^|\.){_expression(pattern)}$", server) for pattern in host.name_servers)


def _expression(pattern: str) -> str:
    return ".*".join(map(re.escape, pattern.split("*")))
