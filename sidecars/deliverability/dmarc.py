"""DMARC as a receiver finds it for a From domain (RFC 9989), and whether our mail is aligned with it."""

import re
from dataclasses import dataclass

from sidecars.deliverability.dns_checks import tags
from sidecars.deliverability.dns_lookup import LookUp

_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True)
class Policy:
    """What holds for mail from `domain`: `where` its record stands, `wish` (none, quarantine, reject)."""

    where: str
    text: str
    wish: str
    strict_spf: bool


def find(domain: str, look_up: LookUp) -> tuple[Policy | None, str]:
    """The policy that holds for `domain`, and what is wrong ("": nothing).

    The record of the domain itself, else that of the nearest parent (RFC 9989, 4.10), whose `sp` then counts.
    """
    labels = domain.split(".")
    for depth in range(len(labels)):
        where = ".".join(labels[depth:])
        records = [text for text in look_up(f"_dmarc.{where}", "TXT") if re.match(r"v=DMARC1\s*(;|$)", text)]
        if len(records) > 1:
            return None, (
                f"There are {len(records)} DMARC records at _dmarc.{where}; receivers then ignore them all. "
                "Leave one."
            )
        if records:
            return _read(where, records[0], inherited=depth > 0)
    return (
        None,
        "There is no DMARC record. Gmail and Yahoo ask bulk senders for one; p=none will do to begin.",
    )


def alignment(policy: Policy) -> str:
    """Which of our two identities the policy counts; our mail is signed by the From domain itself.

    d= is the From domain, so DKIM is aligned however strict `adkim` is; the return path is a name below it,
    which strict `aspf` does not count (RFC 9989, 4.8).
    """
    if policy.strict_spf:
        return (
            "Aligned by DKIM; SPF does not count, since aspf=s and bounces come to a name below the domain."
        )
    return "Aligned by DKIM and by SPF."


def _read(where: str, text: str, inherited: bool) -> tuple[Policy | None, str]:
    said = {name: value.strip().lower() for name, value in tags(text).items()}
    wish = said.get("sp", said.get("p", "")) if inherited else said.get("p", "")
    if wish not in _POLICIES:
        name = "sp" if inherited and "sp" in said else "p"
        return None, f'The DMARC record "{text}" has no valid {name}= (none, quarantine or reject).'
    return Policy(where, text, wish, said.get("aspf") == "s"), ""
