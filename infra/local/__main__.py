"""A stack of its own for a trial, beside whatever else runs.

python -m infra.local up --home FOLDER      start it and print its environment as `export` lines
python -m infra.local down --home FOLDER    stop it; the data stays
"""

import shlex
from pathlib import Path

import click

from infra.local.stack import Stack

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Holds data, logs and secrets.",
)


@click.group(help=__doc__)
def cli() -> None:
    """Gathers the two commands."""


@cli.command()
@home_option
def up(home: Path) -> None:
    """Start the services and prepare them; print `export` lines."""
    stack = Stack.ephemeral(home)
    stack.start_services()
    stack.prepare()
    for name, value in stack.own_env().items():
        click.echo(f"export {name}={shlex.quote(value)}")


@cli.command()
@home_option
def down(home: Path) -> None:
    """Stop everything that runs below FOLDER."""
    Stack.ephemeral(home).stop()


if __name__ == "__main__":
    cli()
