"""`./kiba warmup`: plan how new addresses grow to their volume, apply the plan, look at it."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from sidecars.commands.operator import by_option, refusals
from sidecars.commands.surroundings import adopt_stack

if TYPE_CHECKING:
    from sidecars.deliverability.warmup import Plan

_SHARE = re.compile(r"([\w.*-]+)=(\d+(?:\.\d+)?)%?")


class Shares(click.ParamType[dict[str, float]]):
    """`google=45,microsoft=25` → {"google": 45.0, "microsoft": 25.0}."""

    name = "shares"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, float]:
        """Fails where a part is no share."""
        if isinstance(value, dict):
            return value
        parts = [_SHARE.fullmatch(part.strip()) for part in value.split(",")]
        if not all(parts):
            self.fail("Write shares in per cent, such as google=45,microsoft=25; the rest is *.", param, ctx)
        return {part[1].lower(): float(part[2]) for part in parts if part}


@click.group()
def warmup() -> None:
    """Plan the warm-up of source addresses, apply it, look at it.

    A new address that sends much at once is taken for a spammer's. A plan says how many mails each address
    may send to each provider on each day; edges hold to it. Make it again every day or two: it grows from
    what was sent, and stays or steps back where that was received badly.

    \b
      ./kiba warmup plan --subnet 192.0.2.8/29 --per-day 100000 --mix google=45,microsoft=25 --fresh
      ./kiba warmup plan --per-day 100000 --plot plan.svg
      ./kiba warmup apply --per-day 100000 --surplus overflow
      ./kiba warmup show
      ./kiba warmup end out-3
    """
    adopt_stack()


def _plan_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--per-day",
            type=click.IntRange(1),
            required=True,
            help="Mails a day in the end, of all addresses.",
        ),
        click.option(
            "--mix",
            type=Shares(),
            metavar="SHARES",
            help="Providers' shares in per cent: google=45,microsoft=25; the rest is *. "
            "Without it, those of the last 30 days' mail.",
        ),
        click.option(
            "--source", "names", metavar="NAME", multiple=True, help="Plan for this source; may be repeated."
        ),
        click.option(
            "--subnet", metavar="CIDR", help="Plan for the usable addresses of a subnet: a /29 has five."
        ),
        click.option(
            "--start",
            type=click.DateTime(["%Y-%m-%d"]),
            default=lambda: datetime.now(UTC).strftime("%Y-%m-%d"),
            show_default="today",
            help="First day, in UTC.",
        ),
        click.option(
            "--fresh", is_flag=True, help="As if nothing had been sent yet; ClickHouse is not asked."
        ),
    ):
        command = option(command)
    return command


@warmup.command()
@_plan_options
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw it into this SVG file too."
)
def plan(as_json: bool, plot: Path | None, **wish: Any) -> None:
    """Propose a plan, and change nothing.

    \b
      ./kiba warmup plan --subnet 192.0.2.8/29 --per-day 100000 --mix google=45,microsoft=25 --fresh
      ./kiba warmup plan --per-day 100000 --plot plan.svg
    """
    if plot is not None and plot.suffix != ".svg":
        raise click.UsageError("The plot is an SVG file: --plot plan.svg")
    with refusals():
        made = _propose(**wish)
    from sidecars.commands.warmup_view import print_plan
    from sidecars.deliverability.warmup import as_data

    if as_json:
        click.echo(json.dumps(as_data(made), indent=2))
    else:
        print_plan(Console(highlight=False), made)
    if plot is not None:
        from sidecars.commands.warmup_plot import draw

        plot.write_bytes(draw(made))
        click.echo(f"Drawn into {plot}.", err=True)


@warmup.command()
@_plan_options
@click.option(
    "--surplus",
    type=click.Choice(["wait", "overflow"]),
    default="wait",
    show_default=True,
    help="More mail than a day may have waits for the next day, or leaves by sources below their ceiling.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@by_option
def apply(surplus: str, dry_run: bool, yes: bool, by: str, **wish: Any) -> None:
    """Say what would change, ask, and let the edges hold to the plan.

    \b
      ./kiba warmup apply --per-day 100000 --dry-run
      ./kiba warmup apply --per-day 100000 --surplus overflow
    """
    console = Console(highlight=False)
    with refusals():
        from sidecars.commands.warmup_view import print_changes, print_plan
        from sidecars.deliverability import warmup_plans

        made = _propose(**wish)
        print_plan(console, made)
        print_changes(console, warmup_plans.changes(made), warmup_plans.today())
        if dry_run:
            click.echo("Nothing was changed.")
            return
        if not yes:
            click.confirm(f"Apply it? More mail than a day may have will {_told(surplus)}.", abort=True)
        warmup_plans.apply(by, made, surplus)
        click.echo("Applied. Edges hold to it within a second; look with ./kiba warmup show")


@warmup.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(as_json: bool) -> None:
    """Show the plans in use, and what of today's mails is used.

    \b
      ./kiba warmup show
    """
    with refusals():
        from sidecars.commands.warmup_view import print_in_use
        from sidecars.deliverability import warmup_plans

        rows = warmup_plans.in_use(warmup_plans.today())
        if as_json:
            click.echo(json.dumps([row._asdict() for row in rows], indent=2, default=date.isoformat))
        else:
            print_in_use(Console(highlight=False), rows)


@warmup.command()
@click.argument("source")
@by_option
def end(source: str, by: str) -> None:
    """Take a source's ceilings away: from now on it sends all that its policies allow.

    \b
      ./kiba warmup end out-3
    """
    with refusals():
        from sidecars.deliverability import warmup_plans

        warmup_plans.end(by, source)
        click.echo(f"{source} has no ceilings any more.")


def _propose(
    per_day: int,
    mix: dict[str, float] | None,
    names: tuple[str, ...],
    subnet: str | None,
    start: datetime,
    fresh: bool,
) -> "Plan":
    from sidecars.deliverability import warmup, warmup_plans

    if subnet and names:
        raise click.UsageError("Name a subnet or sources, not both.")
    if fresh and not mix:
        raise click.UsageError("With --fresh there is no mail to tell the shares from; give --mix.")
    ip_of = warmup_plans.addresses(names, subnet)
    if fresh:
        goal = warmup.Goal(per_day, warmup.mix_of(mix or {}))
        return warmup.plan(goal, list(ip_of), start.date(), {})
    return warmup_plans.propose(per_day, mix, ip_of, start.date())


def _told(surplus: str) -> str:
    return "wait for the next day" if surplus == "wait" else "leave by other sources of its pool, or wait"
