"""Warm-up plans for a terminal and as data."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table

from sidecars.deliverability.warmup import GROWTH, GROWTH_OF, THRESHOLDS, Plan, Series, by_provider
from sidecars.deliverability.warmup_plans import Change, InUse
from sidecars.names import LANES_ALL


def print_plan(console: Console, plan: Plan) -> None:
    """All addresses together, each by itself, and what was decided from what happened."""
    if not plan.series:
        console.print("All addresses have their full volume; they need no plan.")
        return
    console.print(_together(plan))
    for addresses, days_of in _alike(plan.series):
        title = f"{', '.join(addresses)}{', each' if len(addresses) > 1 else ''}"
        console.print(_table(title, plan.days, _columns(days_of)))
    for series in plan.series:
        if series.why != "begins":
            console.print(f"{series.address} to {_named(series.provider)} {series.why}.")
    for address, provider in plan.warm:
        console.print(f"{address} to {_named(provider)} has its full volume: no ceiling.")
    console.print(_rules(), style="dim")


def print_changes(console: Console, changes: Sequence[Change], today: date) -> None:
    """What applying would do to each plan in use."""
    table = Table("Source", "Provider", "Now", "Then", box=box.SIMPLE_HEAD, pad_edge=False)
    for change in changes:
        table.add_row(
            change.source,
            _named(change.provider),
            _range(change.before),
            _range(change.after),
            style="" if change.before != change.after else "dim",
        )
    console.print(table)


def print_in_use(console: Console, rows: Sequence[InUse]) -> None:
    """Plans with their state today."""
    if not rows:
        console.print("No warm-up plan is in use: ./kiba warmup plan --help")
        return
    table = Table(
        "Source", "Provider", "Used today", "Of", "Left over", "In the end", "Last day",
        box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    for column in table.columns[2:4]:
        column.justify = "right"
    table.columns[5].justify = "right"
    for row in rows:
        is_full = row.ceiling is not None and row.used >= row.ceiling
        table.add_row(
            row.source,
            _named(row.provider),
            f"{row.used:,}",
            "over" if row.ceiling is None else f"{row.ceiling:,}",
            "waits" if row.surplus == "wait" else "overflows",
            f"{row.last_ceiling:,}",
            row.last_day.isoformat(),
            style="yellow" if is_full else "",
        )
    console.print(table)


def _together(plan: Plan) -> Table:
    columns = _columns(by_provider(plan)) | {
        "All": [f"{plan.total(day):,}" for day in plan.days],
        "Of the goal": [f"{plan.total(day) / plan.goal.per_day:.0%}" for day in plan.days],
    }
    return _table("All addresses together, mails a day", plan.days, columns)


def _columns(days_of: Mapping[str, Mapping[date, int]]) -> dict[str, list[str]]:
    return {
        _named(provider): [f"{days[day]:,}" for day in sorted(days)] for provider, days in days_of.items()
    }


def _table(title: str, days: Sequence[date], columns: Mapping[str, Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Day", justify="right")
    table.add_column("Date")
    for name in columns:
        table.add_column(name, justify="right")
    for number, (day, *cells) in enumerate(zip(days, *columns.values(), strict=True), 1):
        table.add_row(str(number), day.isoformat(), *cells)
    return table


def _alike(series: Iterable[Series]) -> list[tuple[list[str], dict[str, Mapping[date, int]]]]:
    """Addresses with the same plan, and that plan by provider."""
    plans = {
        address: {each.provider: each.days for each in own}
        for address, own in groupby(series, key=lambda each: each.address)
    }
    alike: list[tuple[list[str], dict[str, Mapping[date, int]]]] = []
    for address, own in plans.items():
        same = next((addresses for addresses, other in alike if other == own), None)
        if same is None:
            alike.append(([address], own))
        else:
            same.append(address)
    return alike


def _rules() -> str:
    slower = ", ".join(f"{provider} by {factor}" for provider, factor in GROWTH_OF.items())
    holds = ", ".join(f"{each.hold:.1%} {each.what}" for each in THRESHOLDS)
    backs = ", ".join(f"{each.back:.1%}" for each in THRESHOLDS)
    return (
        f"Grows by {GROWTH} a day ({slower}) as long as all is well. From {holds} it stays, from {backs} of "
        "them it halves. Plan again every day or two."
    )


def _range(days: Mapping[date, int] | None) -> str:
    if not days:
        return "no ceiling"
    first, last = min(days), max(days)
    return f"{days[first]:,} on {first} … {days[last]:,} on {last}"


def _named(provider: str) -> str:
    return "others" if provider == LANES_ALL else provider
