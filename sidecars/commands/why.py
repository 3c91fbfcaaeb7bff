"""`./kiba why`: what happened to one person's mail of a broadcast, or why there was none."""

from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from sidecars.commands.ids import BROADCAST
from sidecars.commands.surroundings import adopt_stack

if TYPE_CHECKING:
    from sidecars.broadcasts.mails import Mail


@click.command()
@click.argument("address")
@click.option(
    "--broadcast", "broadcast_id", type=BROADCAST, required=True, metavar="ID", help="Which broadcast."
)
def why(address: str, broadcast_id: int) -> None:
    """Tell why a person got a broadcast or did not, when, and what the servers said.

    Exits with 1 where the ledger has no mail to them.

    \b
      ./kiba why ann@mailbox.example --broadcast 7
    """
    adopt_stack()
    from sidecars.archive.parts import DamagedPart
    from sidecars.broadcasts.why import why as explain
    from sidecars.models import Broadcast, database

    console = Console(highlight=False, soft_wrap=True)
    with database.connection_context():
        broadcast = Broadcast.get_or_none(Broadcast.id == broadcast_id)
        if broadcast is None:
            raise click.ClickException(f"There is no broadcast {broadcast_id}.")
        try:
            explanation = explain(broadcast, address)
        except DamagedPart as error:
            raise click.ClickException(str(error)) from error
    console.print(explanation.sentence)
    if explanation.mail is None:
        raise SystemExit(1)
    console.print(_ledger(explanation.mail))
    for event in explanation.timeline:
        console.print(_headline(event), style="bold")
        for step in event.get("conversation", ()):
            console.print(_step(step), markup=False)


def _ledger(mail: "Mail") -> Table:
    table = Table(show_header=False, box=None)
    for name, value in (
        ("message id", mail.message_id),
        ("state", mail.state.name.lower()),
        ("reason", mail.reason.name.lower() if mail.reason else ""),
        ("accepted", mail.accepted_at),
        ("settled", mail.settled_at),
        ("attempts", mail.attempts),
        ("edge", mail.edge),
    ):
        if value:
            table.add_row(name, str(value))
    return table


def _headline(event: dict[str, Any]) -> str:
    server = " ".join(str(event[key]) for key in ("mx", "ip") if event.get(key))
    said = " ".join(str(event[key]) for key in ("code", "enhanced", "response") if event.get(key))
    words = [f"{event['occurred_at']:%Y-%m-%d %H:%M:%S} {event['type']}"]
    words += [f"at {server}"] if server else []
    words += [f"({said})"] if said else []
    return " ".join(words)


def _step(step: Any) -> str:
    """ClickHouse gives a step as (step, milliseconds or None, reply)."""
    name, ms, reply = step
    waited = "" if ms is None else f"{ms} ms"
    return f"    {name:<9}{waited:>8}  {reply or 'no answer'}"
