"""`./kiba lanes`: what each lane does now, and holding it."""

import json
import time
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from sidecars.commands.operator import by_option, refusals
from sidecars.commands.surroundings import adopt_stack

REFRESH_SECONDS = 1.0
# Of the screen: the sums, which may take two, the table's head, and what is left out.
LINES_AROUND = 8


@click.group(invoke_without_command=True)
@click.option("--once", is_flag=True, help="Print the table once, with every lane.")
@click.option("--json", "as_json", is_flag=True, help="Print the lanes as JSON, once.")
@click.pass_context
def lanes(context: click.Context, once: bool, as_json: bool) -> None:
    """Watch the lanes, trouble on top, or hold some of them.

    A lane is the mail of one source address to one receiving provider. The table is new each second;
    Ctrl-C ends it.

    \b
      ./kiba lanes
      ./kiba lanes --once
      ./kiba lanes --json | jq '.[] | select(.back_off)'
      ./kiba lanes pause --provider google --reason "421 since 10:20"
      ./kiba lanes drain --source out-3 --reason "listed at a DNSBL"
      ./kiba lanes resume --provider google --reason "all is well"
    """
    adopt_stack()
    if context.invoked_subcommand is not None:
        return
    with refusals():
        if as_json:
            _print_json()
        elif once or not Console().is_terminal:
            _print_once()
        else:
            _watch()


def _holding(verb: str, help_text: str) -> Callable[[Callable[..., None]], Any]:
    """`pause`, `drain` and `resume` differ in little more than their name."""

    def decorate(work: Callable[..., None]) -> Any:
        command = click.command(verb, help=help_text)(work)
        for option in (
            click.option("--source", default="*", metavar="NAME", help="Of this source; without it, of all."),
            click.option(
                "--provider", default="*", metavar="NAME", help="To this provider; without it, to all."
            ),
            click.option("--all", "everything", is_flag=True, help="Every lane there is."),
            click.option("--reason", required=True, help="Why, for whoever looks next."),
            by_option,
        ):
            command = option(command)
        lanes.add_command(command)
        return command

    return decorate


@_holding(
    "pause",
    """Begin no mail on some lanes; what waits, waits.

    \b
      ./kiba lanes pause --provider google --reason "421 since 10:20"
      ./kiba lanes pause --source out-1 --provider yahoo --reason "asked by their postmaster"
    """,
)
def pause(source: str, provider: str, everything: bool, reason: str, by: str) -> None:
    """Applied at once."""
    _hold("pause", source, provider, everything, reason, by)


@_holding(
    "drain",
    """End the connections of some lanes; other sources of the pool take what waits.

    \b
      ./kiba lanes drain --source out-3 --reason "listed at a DNSBL"
    """,
)
def drain(source: str, provider: str, everything: bool, reason: str, by: str) -> None:
    """Applied at once."""
    _hold("drain", source, provider, everything, reason, by)


@_holding(
    "resume",
    """Let lanes go on, named as they were paused or drained.

    \b
      ./kiba lanes resume --provider google --reason "all is well"
      ./kiba lanes resume --all --reason "the data centre is back"
    """,
)
def resume(source: str, provider: str, everything: bool, reason: str, by: str) -> None:
    """Applied at once."""
    _refuse_unclear(source, provider, everything)
    with refusals():
        from sidecars.deliverability import lane_controls
        from sidecars.edge import lane_states

        lane_controls.resume(by, source, provider, reason)
        click.echo(lane_controls.effect("resume", source, provider, lane_states.read()))


def _hold(action: str, source: str, provider: str, everything: bool, reason: str, by: str) -> None:
    _refuse_unclear(source, provider, everything)
    with refusals():
        from sidecars.deliverability import lane_controls
        from sidecars.edge import lane_states

        rows = lane_states.read()
        lane_controls.hold(by, action, source, provider, reason)
        click.echo(lane_controls.effect(action, source, provider, rows))
        named = "".join(
            f" --{option} {value}"
            for option, value in (("source", source), ("provider", provider))
            if value != "*"
        )
        click.echo(f'To undo it: ./kiba lanes resume{named or " --all"} --reason "…"')


def _refuse_unclear(source: str, provider: str, everything: bool) -> None:
    if everything == (source != "*" or provider != "*"):
        raise click.UsageError("Name --source, --provider or both; or --all alone for every lane.")


def _print_json() -> None:
    from sidecars.edge import lane_states

    rows = lane_states.merge(lane_states.read())
    click.echo(json.dumps([row.model_dump() for row in rows], indent=2))


def _print_once() -> None:
    from sidecars.commands.lanes_table import lanes_view, this_moment
    from sidecars.edge import lane_states

    console = Console(highlight=False)
    console.print(lanes_view(lane_states.merge(lane_states.read()), this_moment()))


def _watch() -> None:
    import redis

    from sidecars.commands.lanes_table import lanes_view, this_moment
    from sidecars.edge import lane_states

    console = Console(highlight=False)
    try:
        with Live(console=console, screen=True, auto_refresh=False) as screen:
            while True:
                try:
                    rows = lane_states.merge(lane_states.read())
                    view = lanes_view(rows, this_moment(), max(1, console.height - LINES_AROUND))
                except redis.RedisError as error:
                    view = Text(f"Redis does not answer; asking again. ({error})", style="red")
                screen.update(view, refresh=True)
                time.sleep(REFRESH_SECONDS)
    except KeyboardInterrupt:
        pass
