"""Sending domains, their records and their checks for a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from sidecars.deliverability.dns_hosts import Panel
from sidecars.deliverability.domain_checks import Check
from sidecars.deliverability.domain_records import DnsRecord
from sidecars.deliverability.domains import state_of, stops_at
from sidecars.models import SendingDomain

_STYLES = {"verified": "green", "failing": "yellow", "stopped": "red", "pending": ""}


def print_domains(console: Console, rows: Sequence[SendingDomain]) -> None:
    """One a line, with what the last check found wrong below it."""
    if not rows:
        console.print("There are none: ./kiba domain add news.acme.example --team 1")
    for row in rows:
        state = state_of(row)
        checked = f"checked {row.checked_at:%Y-%m-%d %H:%M} UTC" if row.checked_at else "not checked yet"
        console.print(f"{row.name}  [{_STYLES[state] or 'dim'}]{state}[/]  team {row.team_id}, {checked}")
        for problem in row.problems or []:
            console.print(
                f"  {_sign(False, problem['required'])} {problem['kind']}: {escape(problem['message'])}"
            )


def print_records(console: Console, records: Sequence[DnsRecord], panel: Panel) -> None:
    """What to type where; each value on a line of its own, so that it can be copied whole."""
    if panel.host:
        console.print(f"At {panel.host.name}, in the zone {panel.zone}:")
        for note in panel.host.notes:
            console.print(f"- {note}")
    for record in records:
        needed = "" if record.required else " (not required)"
        console.print(f"\n[dim]{escape(record.purpose)}{needed}[/]", soft_wrap=True)
        console.print(f"{record.type:<6} {record.name}", soft_wrap=True)
        console.print(escape(record.value), soft_wrap=True)


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """Each with its sentence; what is required and wrong is red."""
    for check in checks:
        where = f" at {check.record.name}" if check.record else ""
        console.print(f"{_sign(check.ok, check.required)} {check.kind}{where}", soft_wrap=True)
        console.print(f"  {escape(check.message)}")


def sentence(domain: SendingDomain) -> str:
    """What follows from the checks."""
    match state_of(domain):
        case "verified":
            return f"{domain.name} is verified."
        case "failing":
            return (
                f"{domain.name} still sends, but a record vanished: "
                f"it stops at {stops_at(domain):%Y-%m-%d %H:%M} UTC unless that comes back."
            )
        case "stopped":
            return f"{domain.name} has stopped: publish what is missing, and check again."
        case _:
            return f"{domain.name} is not verified: publish what is missing, and check again."


def _sign(ok: bool | None, required: bool) -> str:
    if ok:
        return "[green]ok[/]"
    if ok is None:
        return "[yellow]?[/]"
    return "[red]missing[/]" if required else "[yellow]hint[/]"
