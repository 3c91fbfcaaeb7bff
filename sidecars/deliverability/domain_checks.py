"""A sending domain against what the world's DNS holds: every record to publish, and what else mail needs.

Each check answers a sentence: the exact difference and what to do, or why all is well.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sidecars.deliverability import domain_use, record_judges
from sidecars.deliverability.dns_lookup import Dns, DnsUnavailable, LookUp
from sidecars.deliverability.domain_records import DnsRecord, RecordKind, records
from sidecars.deliverability.record_judges import Verdict
from sidecars.models import SendingDomain

CheckKind = RecordKind | Literal["spf", "replies", "parked", "held"]
Judge = Callable[[LookUp], Verdict]

AT_ONCE = 8


@dataclass(frozen=True)
class Check:
    """`ok` is None where DNS could not be asked; `record`, where there is nothing of ours to publish."""

    kind: CheckKind
    record: DnsRecord | None
    ok: bool | None
    found: list[str]
    message: str

    @property
    def required(self) -> bool:
        """Without it the domain is not verified."""
        return self.kind == "held" or (self.record is not None and self.record.required)


def run(domain: SendingDomain) -> list[Check]:
    """Asks DNS everything, several questions at a time; the records first, in their order."""
    look_up = Dns()
    wanted: list[tuple[CheckKind, DnsRecord | None, Judge]] = [
        *((record.kind, record, _judge_of(domain, record)) for record in records(domain)),
        ("spf", None, partial(record_judges.own_spf, domain.name)),
        ("replies", None, partial(domain_use.replies, domain.name)),
        ("parked", None, partial(domain_use.parked, domain.name)),
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(partial(_check, look_up), *zip(*wanted, strict=True)))


def _check(look_up: LookUp, kind: CheckKind, record: DnsRecord | None, judge: Judge) -> Check:
    try:
        return Check(kind, record, *judge(look_up))
    except DnsUnavailable as error:
        return Check(
            kind, record, None, [], f"DNS could not be asked; try again in a minute. ({error})"[:500]
        )


def _judge_of(domain: SendingDomain, record: DnsRecord) -> Judge:
    judge: Judge
    match record.kind:
        case "return_path":
            judge = partial(record_judges.return_path, record)
        case "tracking":
            judge = partial(record_judges.tracking, record)
        case "dmarc":
            judge = partial(record_judges.dmarc, domain.name)
        case _:
            judge = partial(record_judges.dkim, record)
    return partial(_or_doubled, record, domain.name, judge)


def _or_doubled(record: DnsRecord, domain: str, judge: Judge, look_up: LookUp) -> Verdict:
    """The judge's verdict, unless nothing is there because a panel added its zone to the name once more."""
    verdict = judge(look_up)
    if verdict.ok or verdict.found:
        return verdict
    for zone in domain_use.upwards(domain):
        if look_up(f"{record.name}.{zone}", record.type):
            return verdict._replace(
                message=f"The record is at {record.name}.{zone}: your DNS panel adds {zone} by itself. "
                f"Enter {record.name.removesuffix(f'.{zone}')} as its name."
            )
    return verdict
