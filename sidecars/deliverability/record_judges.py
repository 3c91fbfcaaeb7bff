"""What each record of a sending domain must be, held against DNS: a verdict with the exact difference."""

from typing import NamedTuple

from sidecars.deliverability import dmarc as policies
from sidecars.deliverability import dns_checks, link_hosts
from sidecars.deliverability import spf as senders
from sidecars.deliverability.dns_lookup import LookUp
from sidecars.deliverability.domain_records import DnsRecord, spf_mechanism
from sidecars.settings import settings

FINE = "As it should be."


class Verdict(NamedTuple):
    """What a judge says of what it found."""

    ok: bool
    found: list[str]
    message: str


def dkim(record: DnsRecord, look_up: LookUp) -> Verdict:
    """One key, ours, whole."""
    found, ours = look_up(record.name, "TXT"), dns_checks.tags(record.value)
    message = dns_checks.dkim(found, ours["p"], ours["k"])
    return Verdict(not message, found, message or FINE)


def return_path(record: DnsRecord, look_up: LookUp) -> Verdict:
    """Where bounces go and who may send; by our CNAME, or by MX and SPF records of the owner's own."""
    name, host = record.name, settings.kiba_hostname
    alias, exchangers, texts = (look_up(name, kind) for kind in ("CNAME", "MX", "TXT"))
    found = alias or exchangers + texts
    if not found:
        return Verdict(False, [], "There is no CNAME record at this name.")
    faults = (dns_checks.mx(exchangers, host), senders.judge(name, spf_mechanism(), look_up))
    fault = " ".join(filter(None, faults))
    if not fault:
        lookups = senders.read(name, spf_mechanism(), look_up).lookups
        return Verdict(True, found, f"{FINE} SPF takes {lookups} of {senders.MAX_LOOKUPS} DNS look-ups.")
    if alias == [record.value]:
        return Verdict(
            False, found, f"The CNAME is right, but its target is not, which is ours to mend: {fault}"
        )
    if alias:
        return Verdict(False, found, f"The CNAME points to {alias[0]}; it must point to {record.value}.")
    return Verdict(
        False, found, f"{fault} Replace the MX and TXT records at this name by a CNAME to {record.value}."
    )


def tracking(record: DnsRecord, look_up: LookUp) -> Verdict:
    """Leads to us, and links there work."""
    alias = look_up(record.name, "CNAME")
    if alias == [record.value]:
        fault = link_hosts.fault_of(record.name)
        return Verdict(not fault, alias, fault or FINE)
    if alias:
        return Verdict(False, alias, f"The CNAME points to {alias[0]}; it must point to {record.value}.")
    addresses = look_up(record.name, "A") + look_up(record.name, "AAAA")
    if addresses:
        message = (
            "There is an address in place of a CNAME. If your DNS host answers in the place of the name "
            '(a "proxy"), switch that off for it; else replace the address by the CNAME.'
        )
        return Verdict(False, addresses, message)
    return Verdict(False, [], "There is no CNAME record at this name.")


def dmarc(domain: str, look_up: LookUp) -> Verdict:
    """There is a policy, of the domain or of one above it; any is the owner's to choose."""
    policy, fault = policies.find(domain, look_up)
    found = look_up(f"_dmarc.{domain}", "TXT")
    if policy is None:
        return Verdict(False, found, fault)
    whose = (
        "" if policy.where == domain else f"The record of {policy.where} covers this domain: {policy.wish}. "
    )
    return Verdict(True, found or [policy.text], whose + policies.alignment(policy))


def own_spf(domain: str, look_up: LookUp) -> Verdict:
    """The record of the From domain itself. Receivers look at the return path's, but some look here too."""
    found = senders.records_in(look_up(domain, "TXT"))
    if not found:
        return Verdict(
            True, [], "The domain itself has no SPF record, and needs none: the return path has one."
        )
    reading = senders.read(domain, spf_mechanism(), look_up)
    if reading.problem:
        return Verdict(
            False, found, f"{reading.problem} Our mail does not need it, other mail of yours does."
        )
    return Verdict(True, found, f"{FINE} It takes {reading.lookups} of {senders.MAX_LOOKUPS} DNS look-ups.")
