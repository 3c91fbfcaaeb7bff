"""`python -m sidecars.commands.demo`: the demonstration, with its progress and its books."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import requests
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from sidecars.api.ids import number
from sidecars.commands.books import print_books
from sidecars.commands.demo import settling, steps
from sidecars.commands.demo.api import ApiRefusal
from sidecars.commands.demo.memory import MEMORY, Memory
from sidecars.settings import settings


class Rate(ProgressColumn):
    """How many a second, over the last moments."""

    def render(self, task: object) -> Text:
        """Blank until there is a speed."""
        speed = getattr(task, "finished_speed", None) or getattr(task, "speed", None)
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


@click.command()
@click.option("--home", type=click.Path(path_type=Path), required=True, help="Folder of the stack.")
@click.option("--simulator", required=True, help="Base URL of the simulator.")
@click.option(
    "--contacts",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=steps.CONTACTS,
    help="CSV of the readers.",
)
@click.option("--again", is_flag=True, help="Publish one more broadcast to the same people.")
def demo(home: Path, simulator: str, contacts: Path, again: bool) -> None:
    """A new team's first broadcast: domain, import, publish, deliver, and the books of it."""
    console = Console(highlight=False)
    memory = Memory(home / MEMORY)
    if again:
        memory.forget("broadcast_id")
    try:
        books_balance = _show(console, memory, simulator, contacts)
    except (ApiRefusal, requests.RequestException) as problem:
        console.print(f"[red]The demonstration stopped:[/] {problem}\nAfter mending it: ./kiba run goes on.")
        sys.exit(1)
    sys.exit(0 if books_balance else 1)


def _show(console: Console, memory: Memory, simulator: str, contacts: Path) -> bool:
    is_new = "password" not in memory.facts
    api = steps.sign_in(memory, f"http://{settings.web_host}:{settings.web_port}")
    if is_new:
        console.print(f"Who may log in: [b]{steps.OWNER}[/], password {memory.facts['password']}")
    steps.verify_domain(memory, api, simulator)
    console.print(f"Team [b]{steps.TEAM}[/], sending domain [b]{steps.DOMAIN}[/], verified by DNS")

    with _bar(console, f"Importing {contacts.name}") as bar:
        report = steps.import_contacts(memory, api, contacts, bar)
    console.print(
        f"Imported: {report['rows_created']:,} new, {report['rows_updated']:,} known, "
        f"{report['rows_invalid']:,} refused"
    )
    broadcast_id = steps.publish_newsletter(memory, api)
    started = time.monotonic()
    with _bar(console, f"Sending broadcast {broadcast_id} through Haraka") as bar:
        steps.watch_sending(api, broadcast_id, bar)
    with _bar(console, "Delivered, bounced or given up") as bar:
        settling.watch_settling(api, broadcast_id, bar)
    console.print(f"All settled {time.monotonic() - started:.1f} s after publishing")
    with _bar(console, "People read, click, unsubscribe") as bar:
        settling.watch_people(simulator, bar)
    return print_books(console, number(broadcast_id), simulator)


@contextmanager
def _bar(console: Console, label: str) -> Iterator[steps.Watch]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, speed_estimate_period=10) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


if __name__ == "__main__":
    os.umask(0o077)
    demo()
