"""`./kiba replay`: the past once more, from Kafka: dead letters, and all of ClickHouse's tables."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sidecars import names
from sidecars.commands.surroundings import adopt_stack

if TYPE_CHECKING:
    from sidecars.analytics.shadow import Comparison
    from sidecars.enrichers.rebuild import Rebuild, Tell

# Of the table, where no terminal says how wide it is.
WIDTH = 110


@click.group()
def replay() -> None:
    """Try dead letters again, or make ClickHouse's tables anew."""


@replay.command()
@click.argument("topic", type=click.Choice(names.RAW_TOPICS))
@click.option("--limit", default=10_000, show_default=True, help="How many at the most.")
@click.option("--dry-run", is_flag=True, help="Only tell how many wait, and why they died.")
def letters(topic: str, limit: int, dry_run: bool) -> None:
    """Send the dead letters of a topic to it again, oldest first.

    Dead letters are events that the enricher could not process. Each is replayed once; replaying some twice
    does no harm, as an event counts once by its id. What dies again is a new dead letter.

    \b
      ./kiba replay letters smtp_messages_statuses --dry-run
    """
    adopt_stack()
    from sidecars.enrichers import dead

    if not dry_run:
        click.echo(f"{dead.replay(topic, limit):,} dead letters of {topic} sent again")
        return
    reasons = dead.waiting(topic)
    click.echo(f"{reasons.total():,} dead letters of {topic} wait")
    for reason, number in reasons.most_common():
        click.echo(f"{number:>9,}  {reason}")


@replay.command()
@click.option("--dry-run", is_flag=True, help="Only compare: every table stays as it is.")
@click.option("--yes", is_flag=True, help="Do not ask before the tables are replaced.")
def tables(dry_run: bool, yes: bool) -> None:
    """Make ClickHouse's tables anew from Kafka's raw topics and the ledger, compare, and replace them.

    For a table that lost rows, or past opens and clicks to be judged by a better rule. Each table is made
    beside the one that is in use. It takes over what Kafka no longer has, and what came meanwhile; then the
    two change places in one step. It may be broken off and repeated at any time.

    Parts of the ledger's archive that are damaged are passed over and named; then it exits with 1.

    \b
      ./kiba replay tables --dry-run
    """
    adopt_stack()
    from sidecars.analytics.shadow import Incomplete
    from sidecars.enrichers.rebuild import InProgress, rebuilding

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    try:
        with rebuilding() as rebuild:
            with _progress(console) as tell:
                rebuild.fill(tell)
            _show(console, rebuild, rebuild.compare())
            if not dry_run:
                if not yes:
                    click.confirm("Replace the tables?", abort=True)
                rebuild.swap()
                console.print("The tables have been replaced.")
    except (InProgress, Incomplete) as error:
        raise click.ClickException(str(error)) from error
    if rebuild.unreadable:
        raise click.ClickException(_unreadable(rebuild))


@contextmanager
def _progress(console: Console) -> Iterator["Tell"]:
    with Progress(console=console) as progress:
        task = progress.add_task("Records of Kafka")
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _show(console: Console, rebuild: "Rebuild", comparisons: Mapping[str, "Comparison"]) -> None:
    table = Table(
        "Table", "Kafka has all since", "Events", "Older", "Only live", "Only rebuilt", "Changed", box=None
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for name, found in comparisons.items():
        numbers = (found.events, found.older, found.only_live, found.only_rebuilt, found.changed)
        since = f"{rebuild.complete_since[name]:%Y-%m-%d %H:%M:%S}"
        table.add_row(name, since, *(f"{number:,}" for number in numbers))
    console.print(table)
    for name, found in comparisons.items():
        for what, ids in (
            ("only live", found.ids_only_live),
            ("only rebuilt", found.ids_only_rebuilt),
            ("changed", found.ids_changed),
        ):
            if ids:
                console.print(f"{name}, {what}: {', '.join(map(str, ids))}", soft_wrap=True)
    console.print(
        "What only the live table has is taken over.\n"
        f"{rebuild.from_ledger:,} mails only the ledger could tell of; "
        f"{rebuild.unplaced:,} events of Kafka's could not be placed.",
        soft_wrap=True,
    )


def _unreadable(rebuild: "Rebuild") -> str:
    lines = [
        f"  {each.part.object_key}: broadcast {each.part.broadcast_id}, contacts {each.part.lo} to "
        f"{each.part.hi}; {each.missing:,} of its {each.part.n:,} mails are missing in the tables"
        for each in rebuild.unreadable
    ]
    return "\n".join(
        [
            "These parts of the ledger's archive are not what was written, and told nothing:",
            *lines,
            "Restore them from the bucket's versions or its backup, then run this again.",
        ]
    )
