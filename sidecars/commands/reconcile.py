"""`./kiba reconcile`: do the books of a broadcast balance?"""

import click
from rich.console import Console

from sidecars.commands.ids import BROADCAST
from sidecars.commands.surroundings import adopt_stack


@click.command()
@click.argument("broadcast_id", type=BROADCAST)
@click.option("--receipts", metavar="URL", help="A simulator, whose receipts are the third witness.")
def reconcile(broadcast_id: int, receipts: str | None) -> None:
    """Hold a broadcast's ledger against ClickHouse and the edges' spools, mail by mail.

    Exits with 1 where they differ, and names the first mails that do. Events take a second or two to arrive;
    what waits in Kafka and at the edges is told.

    \b
      ./kiba reconcile 7
      ./kiba reconcile 7 --receipts http://127.0.0.1:28085
    """
    adopt_stack()
    from sidecars.archive.parts import DamagedPart
    from sidecars.commands.books import print_books
    from sidecars.models import Broadcast, database

    with database.connection_context():
        if not Broadcast.select().where(Broadcast.id == broadcast_id).exists():
            raise click.ClickException(f"There is no broadcast {broadcast_id}.")
    try:
        balanced = print_books(Console(highlight=False), broadcast_id, receipts)
    except DamagedPart as error:
        raise click.ClickException(str(error)) from error
    raise SystemExit(0 if balanced else 1)
