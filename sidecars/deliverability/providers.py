"""Who receives, as edges tell it: by the MX host, not by the recipient's domain.

The rule and its names are the edge's (haraka/plugins/lib/providers.js, providers.json).
"""

import json
from functools import cache, lru_cache
from pathlib import Path

from tldextract import TLDExtract

from sidecars.deliverability.dns_lookup import LookUp

EDGE = Path(__file__).resolve().parents[2] / "haraka/plugins/lib"

# The list of public suffixes that came with the library: nothing is fetched.
_suffixes = TLDExtract(suffix_list_urls=(), include_psl_private_domains=False)


@lru_cache(maxsize=4096)
def registrable(host: str) -> str:
    """`mail.acme.co.uk` → `acme.co.uk`; a host without a public suffix, or an address, as it is."""
    host = host.lower().rstrip(".")
    parts = _suffixes(host)
    if parts.ipv4 or parts.ipv6 or not parts.domain:
        return host
    return parts.top_domain_under_public_suffix or ".".join(host.split(".")[-2:])


def provider_of(host: str) -> str:
    """The provider's name by its best MX host."""
    domain = registrable(host)
    return _names().get(domain, domain)


def provider_of_domain(domain: str, look_up: LookUp) -> str | None:
    """The same for a recipient's domain; None where no server takes mail for it (RFC 5321, 5.1; RFC 7505).

    Raises DnsUnavailable.
    """
    exchanges = sorted((int(preference), host) for preference, host in map(str.split, look_up(domain, "MX")))
    if exchanges:
        return None if exchanges[0][1] in ("", ".") else provider_of(exchanges[0][1])
    return provider_of(domain) if look_up(domain, "A") or look_up(domain, "AAAA") else None


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = json.loads((EDGE / "providers.json").read_text())
    return names
