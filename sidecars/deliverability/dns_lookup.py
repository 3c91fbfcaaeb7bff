"""Asking the world's DNS, by DNS_SERVERS or the system's resolvers."""

from collections.abc import Callable
from typing import Any

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from sidecars.settings import settings

LOOKUP_SECONDS = 5.0

# Name (no final dot) and type → the records as text, [] where there are none. Raises DnsUnavailable.
LookUp = Callable[[str, str], list[str]]


class DnsUnavailable(Exception):
    """The name servers gave no answer, which says nothing of the record."""


class Dns:
    """A LookUp that asks each question once; make one for each check. Threads may share it."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], list[str]] = {}

    def __call__(self, name: str, kind: str) -> list[str]:
        """TXT strings joined; names in lower case with no final dot; MX as `preference host`."""
        question = (name.lower(), kind)
        if question not in self._answers:
            self._answers[question] = _ask(*question)
        return self._answers[question]


def _ask(name: str, kind: str) -> list[str]:
    try:
        question = dns.name.from_text(f"{name}.")
    except dns.exception.DNSException:
        return []  # what cannot be a name has no records
    try:
        answer = resolver().resolve(question, kind, raise_on_no_answer=False, search=False)
    except dns.resolver.NXDOMAIN:
        return []
    except dns.exception.DNSException as error:
        raise DnsUnavailable(str(error)) from error
    return [_as_text(data, kind) for data in answer]


def _as_text(data: Any, kind: str) -> str:
    if kind == "TXT":
        return b"".join(data.strings).decode("utf-8", "replace")
    if kind == "MX":
        return f"{data.preference} {_host(data.exchange)}"
    if kind in ("CNAME", "NS"):
        return _host(data.target)
    return str(data.to_text())


def _host(name: dns.name.Name) -> str:
    """`.` for the root, which a null MX names (RFC 7505)."""
    return name.to_text(omit_final_dot=True).lower()


def resolver() -> dns.resolver.Resolver:
    """Never the hosts file, never a search list."""
    made = dns.resolver.Resolver(configure=not settings.dns_servers)
    made.lifetime = LOOKUP_SECONDS
    # A DKIM record is near the 512 bytes of plain DNS over UDP; 1,232 spares the second question over TCP.
    made.use_edns(0, 0, 1232)
    if settings.dns_servers:
        pairs = (server.strip().rpartition(":") for server in settings.dns_servers.split(","))
        made.nameservers = [dns.nameserver.Do53Nameserver(host, int(port)) for host, _, port in pairs]
    return made
