"""`./kiba archive`: the ledger of old broadcasts, from MySQL to S3."""

import click
from rich.console import Console

from sidecars.commands.ids import BROADCAST
from sidecars.commands.surroundings import adopt_stack

PATIENCE_SECONDS = 60


@click.command()
@click.argument("broadcast_ids", type=BROADCAST, nargs=-1, metavar="[ID]...")
@click.option("--days", type=int, help="Ended so many days ago; default: KIBA_ARCHIVE_AFTER_DAYS.")
@click.option("--dry-run", is_flag=True, help="Only tell which.")
def archive(broadcast_ids: tuple[int, ...], days: int | None, dry_run: bool) -> None:
    """Move the ledger of broadcasts that ended long ago to S3, as Parquet.

    Those named, or all that ended so many days ago and of whose every mail the outcome is known. Reports,
    `why` and single mails go on to answer. The fan-out does the same by itself; each may be interrupted.

    \b
      ./kiba archive --dry-run
      ./kiba archive --days 30
      ./kiba archive 7
    """
    adopt_stack()
    from sidecars.archive.parts import DamagedPart
    from sidecars.broadcasts import archiving
    from sidecars.models import database
    from sidecars.settings import settings

    age = settings.kiba_archive_after_days if days is None else days
    if not (broadcast_ids or days is not None or age):
        raise click.ClickException(
            "KIBA_ARCHIVE_AFTER_DAYS is 0: nothing is due. Name broadcasts, or --days."
        )
    try:
        with database.connection_context():
            for broadcast_id in broadcast_ids:
                archiving.check(broadcast_id)
            chosen = broadcast_ids or tuple(archiving.due(age))
            for broadcast_id in chosen:
                _archive(Console(highlight=False), broadcast_id, dry_run)
    except (archiving.NotArchivable, archiving.Busy, DamagedPart) as error:
        raise click.ClickException(str(error)) from None
    if not chosen:
        click.echo("Nothing is due.")


def _archive(console: Console, broadcast_id: int, dry_run: bool) -> None:
    """A dot for each step."""
    from sidecars.broadcasts.archiving import advance
    from sidecars.models import Broadcast

    recipients = Broadcast.get_by_id(broadcast_id).planned_total
    console.print(f"broadcast {broadcast_id}, {recipients:,} recipients", end="")
    while not dry_run and advance(broadcast_id, PATIENCE_SECONDS):
        console.print(".", end="")
    console.print("" if dry_run else " archived")
