"""A rehearsal for a terminal: what fails is red, what to do stands below it."""

from collections.abc import Iterable
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sidecars.broadcasts.rehearsal.checks import Outcome
from sidecars.broadcasts.rehearsal.findings import Finding, Status
from sidecars.models import Broadcast

PROVIDERS_SHOWN = 8
_SIGNS = {
    Status.PASSED: "[green]ok[/]",
    Status.WARNING: "[yellow]warning[/]",
    Status.FAILURE: "[bold red]failure[/]",
    Status.SKIPPED: "[dim]skipped[/]",
}


def print_outcome(console: Console, broadcast: Broadcast, outcome: Outcome, problems: bool) -> None:
    """The checks in their order, who gets it, how long it takes, and the sum. `problems`: these alone."""
    console.print(f"Rehearsal of broadcast {broadcast.id}, [bold]{escape(broadcast.name)}[/]\n")
    shown = [each for each in outcome.findings if each.status is not Status.PASSED or not problems]
    console.print(_checks(shown))
    console.print()
    console.print(_people(outcome))
    console.print(_sum(outcome))


def _checks(findings: Iterable[Finding]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    before = ""
    for finding in findings:
        name = finding.check.replace("_", " ") if finding.check != before else ""
        before = finding.check
        table.add_row(name, _SIGNS[finding.status], _text(finding))
    return table


def _text(finding: Finding) -> str:
    lines = [escape(finding.message)]
    if finding.status is not Status.PASSED:
        lines += [f"[cyan]{escape(finding.where)}[/]"] if finding.where else []
        lines += [f"[bold]→[/] {escape(finding.fix)}"] if finding.fix else []
    return "\n".join(lines)


def _people(outcome: Outcome) -> Table:
    recipients, duration = outcome.recipients, outcome.duration
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("recipients", f"{recipients.total:,}  {_counts(recipients.largest(PROVIDERS_SHOWN))}")
    table.add_row("left out", _counts(recipients.left_out) or "nobody")
    time = "unknown" if duration.seconds is None else _time(duration.seconds)
    table.add_row("takes", f"{time}, by {escape(duration.limited_by)}")
    return table


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{escape(name)} {number:,}" for name, number in counts.items())


def _time(seconds: float) -> str:
    if seconds < 60:
        return "less than a minute"
    return "about " + str(timedelta(minutes=round(seconds / 60))).removesuffix(":00") + " h"


def _sum(outcome: Outcome) -> str:
    numbers = [
        (outcome.number(Status.PASSED), "passed", "green"),
        (outcome.number(Status.WARNING), "warnings", "yellow"),
        (outcome.number(Status.FAILURE), "failures", "red"),
        (outcome.number(Status.SKIPPED), "skipped", "dim"),
    ]
    return "\n" + ", ".join(f"[{style}]{number} {word}[/]" for number, word, style in numbers if number)
