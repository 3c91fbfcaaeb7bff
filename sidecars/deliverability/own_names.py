"""What the operator of an installation publishes, which the aliases of all sending domains lead to."""

from typing import NamedTuple

from sidecars.deliverability import dns_checks, link_hosts, spf
from sidecars.deliverability.dns_lookup import Dns, LookUp
from sidecars.deliverability.domain_records import spf_mechanism
from sidecars.settings import settings


class OwnName(NamedTuple):
    """A name of ours, the setting that says it, and what is wrong with it ("": nothing)."""

    setting: str
    name: str
    fault: str


def check() -> list[OwnName]:
    """Asks DNS for each. Raises DnsUnavailable."""
    look_up = Dns()
    return [
        OwnName("KIBA_HOSTNAME", settings.kiba_hostname, _address_fault(settings.kiba_hostname, look_up)),
        OwnName("RETURN_PATH_HOST", settings.return_path_host, _return_path_fault(look_up)),
        OwnName("TRACKING_HOST", settings.tracking_host, _tracking_fault(look_up)),
    ]


def wanted() -> str:
    """The records as lines of a zone file; addresses are the operator's to fill in."""
    return "\n".join(
        (
            f"{settings.kiba_hostname}.\tIN\tA\t<address of the edge>",
            f"{settings.return_path_host}.\tIN\tMX\t10 {settings.kiba_hostname}.",
            f'{settings.return_path_host}.\tIN\tTXT\t"v=spf1 {spf_mechanism()} ~all"',
            f"{settings.tracking_host}.\tIN\tA\t<address of TRACKING_URL>",
        )
    )


def _return_path_fault(look_up: LookUp) -> str:
    name = settings.return_path_host
    exchangers = dns_checks.mx(look_up(name, "MX"), settings.kiba_hostname)
    return " ".join(filter(None, (exchangers, spf.judge(name, spf_mechanism(), look_up))))


def _tracking_fault(look_up: LookUp) -> str:
    return _address_fault(settings.tracking_host, look_up) or link_hosts.fault_of(settings.tracking_host)


def _address_fault(name: str, look_up: LookUp) -> str:
    return "" if look_up(name, "A") or look_up(name, "AAAA") else "There is no A or AAAA record at this name."
