"""What the owner of a sending domain publishes in DNS, as data and as a zone file."""

from dataclasses import dataclass
from typing import Literal

from sidecars.models import SendingDomain
from sidecars.settings import settings

RecordKind = Literal["dkim", "return_path", "dkim_next", "dmarc", "tracking", "ed25519"]

ZONE_TTL = 3600
# RFC 1035, 3.3.14: what one string of a TXT record holds at most.
TXT_STRING = 255


@dataclass(frozen=True)
class DnsRecord:
    """One to publish; no name has a final dot. `required` ones make the domain verified."""

    kind: RecordKind
    type: Literal["TXT", "CNAME"]
    name: str
    value: str
    purpose: str
    required: bool


def records(domain: SendingDomain) -> list[DnsRecord]:
    """In the order in which to publish them."""
    found = [
        _key("dkim", domain, domain.dkim_selector, domain.dkim_public_key),
        DnsRecord(
            "return_path",
            "CNAME",
            domain.return_path,
            settings.return_path_host,
            "Return path: bounces come back to us, and SPF allows our servers to use it.",
            required=True,
        ),
    ]
    if domain.next_selector:
        found.append(_key("dkim_next", domain, domain.next_selector, domain.next_public_key))
    found.append(
        DnsRecord(
            "dmarc",
            "TXT",
            f"_dmarc.{domain.name}",
            "v=DMARC1; p=none",
            "DMARC: what receivers do with mail that fails both; yours to choose.",
            required=False,
        )
    )
    if domain.tracking_host:
        found.append(
            DnsRecord(
                "tracking",
                "CNAME",
                domain.tracking_host,
                settings.tracking_host,
                "Links: readers see your own name in them.",
                required=False,
            )
        )
    if domain.ed25519_selector:
        found.append(_key("ed25519", domain, domain.ed25519_selector, domain.ed25519_public_key))
    return found


def spf_mechanism() -> str:
    """What an SPF record must say, or include, for our servers to be allowed."""
    return f"include:{settings.spf_include}" if settings.spf_include else f"a:{settings.kiba_hostname}"


def zone_file(domain: SendingDomain) -> str:
    """RFC 1035, 5: for `$INCLUDE`, or for a DNS host's import. Names are relative to the sending domain."""
    lines = [f"; {domain.name}: what Kibamail asks for", f"$ORIGIN {domain.name}.", f"$TTL {ZONE_TTL}"]
    for record in records(domain):
        value = quoted(record.value) if record.type == "TXT" else f"{record.value}."
        name = record.name.removesuffix(f".{domain.name}")
        lines += [f"; {record.purpose}", f"{name}\tIN\t{record.type}\t{value}"]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A TXT value as strings of at most 255 characters: `"v=DKIM1; …" "…"`."""
    parts = [text[start : start + TXT_STRING] for start in range(0, len(text), TXT_STRING)]
    return " ".join(f'"{part}"' for part in parts)


def _key(
    kind: Literal["dkim", "dkim_next", "ed25519"],
    domain: SendingDomain,
    selector: str,
    public_key: str | None,
) -> DnsRecord:
    algorithm = "ed25519" if kind == "ed25519" else "rsa"
    return DnsRecord(
        kind,
        "TXT",
        f"{selector}._domainkey.{domain.name}",
        f"v=DKIM1; k={algorithm}; p={public_key}",
        _KEY_PURPOSES[kind],
        required=kind == "dkim",
    )


_KEY_PURPOSES = {
    "dkim": "DKIM: proves that mail from this domain is yours.",
    "dkim_next": "DKIM, the next key: published now, it can take over without a gap.",
    "ed25519": "DKIM with Ed25519: a second signature, beside the first.",
}
