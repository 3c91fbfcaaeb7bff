"""`./kiba edge`: the edges, and giving up one that is lost with its disk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from sidecars.commands.operator import by_option, refusals
from sidecars.commands.surroundings import adopt_stack

if TYPE_CHECKING:
    from sidecars.broadcasts.lost_edges import Loss


@click.group()
def edge() -> None:
    """Look at the edges, or give up one that is lost for good.

    \b
      ./kiba edge list
      ./kiba edge forget edge-2 --dry-run
      ./kiba edge forget edge-2
    """
    adopt_stack()


@edge.command("list")
def list_edges() -> None:
    """Show every edge that ever took a mail, what it has, and whether it lives.

    \b
      ./kiba edge list
    """
    with refusals():
        from sidecars.broadcasts.lost_edges import standings

        table = Table("Edge", "Lives", "Accepted", "In spool and queue", "Events not posted", box=None)
        for column in table.columns[2:]:
            column.justify = "right"
        for each in standings():
            lives = each.waiting is not None
            numbers = (each.accepted, each.waiting, each.event_bytes)
            shown = ["" if number is None else f"{number:,}" for number in numbers]
            table.add_row(each.name, "yes" if lives else "not heard of", *shown)
        Console(highlight=False).print(table)


@edge.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only tell what would become of its mails.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@by_option
def forget(name: str, dry_run: bool, yes: bool, by: str) -> None:
    """Give up an edge whose disk is gone: others send what it had taken and not told of.

    First it tells how many mails go back and how many may arrive twice, and asks. It can be interrupted and
    repeated. Never start the edge again with its old EDGE_HOME afterwards: it would send what waits there.

    \b
      ./kiba edge forget edge-2 --dry-run
      ./kiba edge forget edge-2 --yes
    """
    with refusals():
        from sidecars.broadcasts.lost_edges import Refused, foresee
        from sidecars.broadcasts.lost_edges import forget as forget_edge

        try:
            losses = foresee(name)
            _print(losses, name)
            if not losses or dry_run:
                return
            if not yes:
                click.confirm("Do it?", abort=True)
            forget_edge(by, name)
        except Refused as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"Done. {name} has none of these mails any more.")


def _print(losses: "Sequence[Loss]", name: str) -> None:
    from sidecars.broadcasts.states import SendState

    if not losses:
        click.echo(f"Nothing is unsettled at {name}.")
        return
    told = {
        SendState.PLANNED: "are sent again",
        SendState.CANCELLED: "are cancelled, as their broadcast is",
        SendState.UNKNOWN: "are unknown: their text was on that disk alone",
    }
    for loss in losses:
        which = f"broadcast {loss.broadcast_id} ({loss.name})" if loss.broadcast_id else loss.name
        click.echo(f"{loss.accepted + loss.claimed:,} mails of {which} {told[loss.becomes]}")
    click.echo(
        f"{sum(loss.may_arrive_twice for loss in losses):,} mails may arrive twice at the most: "
        f"those that {name} sent and had not told of."
    )
