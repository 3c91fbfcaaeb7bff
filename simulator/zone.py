"""The DNS data: the providers' names, the domains they serve, and records added by hand (kept in a file).

The sender's own names, those of kibamail.test, stand in a zone file beside this.
"""

from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
import orjson

from simulator.providers import Providers

SENDER_ZONE = Path(__file__).parent / "kibamail.test.zone"
TTL = 60
TXT_STRING = 255


class Zone:
    """Added records stand before the providers' own of the same name and type."""

    def __init__(self, providers: Providers, file: Path) -> None:
        self._providers = providers
        self._exchangers = providers.exchangers()
        self._sender = _by_name(SENDER_ZONE.read_text())
        self._file = file
        self._added: dict[tuple[str, str], list[str]] = {}
        if file.exists():
            for record in orjson.loads(file.read_bytes()):
                self._added.setdefault((record["name"], record["type"]), []).append(record["value"])

    def answer(self, name: str, kind: str, hops: int = 8) -> tuple[dns.rcode.Rcode, list[dns.rrset.RRset]]:
        """Records of `kind` ("MX") at `name` (no final dot). NOERROR with none where the name exists."""
        name = name.lower()
        built_in = self._built_in(name)
        if values := self._added.get((name, kind)) or built_in.get(kind):
            return dns.rcode.NOERROR, [_rrset(name, kind, values)]
        if (alias := self._added.get((name, "CNAME"))) and hops:
            # What the alias leads to, with the CNAME before it (RFC 1034 3.6.2).
            rcode, answers = self.answer(alias[0].rstrip("."), kind, hops - 1)
            return rcode, [_rrset(name, "CNAME", alias), *answers]
        exists = built_in or self._has_added_below(name)
        return (dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN), []

    def addresses(self, host: str) -> list[str]:
        """Its A records, by an alias or not."""
        _, answers = self.answer(host, "A")
        return [data.to_text() for found in answers if found.rdtype == dns.rdatatype.A for data in found]

    def records(self) -> list[dict[str, str]]:
        """The added records."""
        return [
            {"name": name, "type": kind, "value": value}
            for (name, kind), values in sorted(self._added.items())
            for value in values
        ]

    def add(self, name: str, kind: str, value: str) -> None:
        """Raises ValueError, which says why, for a record that DNS would not take."""
        name, kind = name.rstrip(".").lower(), kind.upper()
        _rrset(name, kind, [value])
        values = self._added.setdefault((name, kind), [])
        if value not in values:
            values.append(value)
            self._save()

    def load(self, text: str) -> None:
        """Adds a zone file's records (RFC 1035 5); $ORIGIN says the zone. Raises ValueError."""
        for name, kind, value in list(_parsed(text)):
            self.add(name, kind, value)

    def remove(self, name: str, kind: str | None) -> None:
        """Takes the added records of a name away; all of its types where `kind` is None."""
        name = name.rstrip(".").lower()
        for key in [key for key in self._added if key[0] == name and kind in (None, key[1])]:
            del self._added[key]
        self._save()

    def reset(self) -> None:
        """Forgets the added records."""
        self._added.clear()
        self._save()

    def _has_added_below(self, name: str) -> bool:
        """A name exists when one below it does (RFC 8020)."""
        return any(f".{added}".endswith(f".{name}") for added, _ in self._added)

    def _built_in(self, name: str) -> dict[str, list[str]]:
        """Empty for a name that does not exist."""
        if name in self._exchangers:
            return {"A": [self._exchangers[name][0]]}
        if name in self._sender:
            return self._sender[name]
        hosts = self._providers.serving(name).mx
        return {"MX": [f"{10 * (i + 1)} {host}." for i, host in enumerate(hosts)]} if hosts else {}

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(orjson.dumps(self.records()))


def _by_name(text: str) -> dict[str, dict[str, list[str]]]:
    names: dict[str, dict[str, list[str]]] = {}
    for name, kind, value in _parsed(text):
        names.setdefault(name, {}).setdefault(kind, []).append(value)
    return names


def _parsed(text: str) -> Iterator[tuple[str, str, str]]:
    """Name (no final dot), type and value of each record of a zone file. Raises ValueError."""
    try:
        zone = dns.zone.from_text(text, relativize=False, check_origin=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"zone file: {error}") from error
    for name, _, rdata in zone.iterate_rdatas():
        yield name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(rdata.rdtype), rdata.to_text()


def _rrset(name: str, kind: str, values: list[str]) -> dns.rrset.RRset:
    """Raises ValueError."""
    try:
        texts = [_quoted(value) if kind == "TXT" else value for value in values]
        # A name in a value is a whole one, with its final dot or without.
        return dns.rrset.from_text_list(
            f"{name}.", TTL, "IN", kind, texts, origin=dns.name.root, relativize=False
        )
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{kind} record at {name}: {error}") from error


def _quoted(value: str) -> str:
    """A TXT value in presentation form, split into strings of at most 255 bytes (RFC 1035 3.3.14)."""
    if value.startswith('"'):
        return value
    parts = [value[i : i + TXT_STRING] for i in range(0, len(value), TXT_STRING)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)
