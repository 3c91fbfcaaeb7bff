"""Starting, stopping and preparing the services and processes of this machine."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from infra.local.config import REPOSITORY, TEST_STACKS, TOOLS
from infra.local.install import install_all
from infra.local.processes import PORTS as PROCESSES
from infra.local.stack import Stack
from sidecars.commands.demo.memory import MEMORY, Memory

NODE_MODULES = REPOSITORY / "haraka" / "node_modules"


@click.command()
@click.option("--again", is_flag=True, help="Send the demo's broadcast once more.")
def run(again: bool) -> None:
    """Install what is missing, start everything, send the demo's broadcast.

    \b
    Everything goes on running afterwards; a second run starts in seconds and keeps the data.
      ./kiba run                          first run: installs, starts, sends 10,000 mails to the simulator
      ./kiba run --again                  send the broadcast once more
      KIBA_PORT_OFFSET=1000 ./kiba run    on other ports
    """
    console = Console(highlight=False)
    stack = Stack.default()
    install_all(lambda step: console.print(step))
    with _timed(console, "Services: Kafka, ClickHouse, MariaDB, Redis, S3"):
        stack.start_services()
    with _timed(console, "Topics, tables, certificate"):
        stack.prepare()
    with _timed(console, f"Processes: {', '.join(PROCESSES)}"):
        stack.start_processes(*PROCESSES)
    try:
        sys.exit(_send_demo(stack, again))
    finally:
        _tell_addresses(stack)


def _send_demo(stack: Stack, again: bool) -> int:
    """The demo's exit code, 0 where the books balance. A process of its own, for its own settings."""
    command = (sys.executable, "-m", "sidecars.commands.demo")
    options = ("--home", str(stack.home), "--simulator", stack.url("simulator_http"))
    again_option = ("--again",) if again else ()
    return subprocess.run((*command, *options, *again_option), env=stack.env(), check=False).returncode


def _tell_addresses(stack: Stack) -> None:
    click.echo(f"""
The API                {stack.url("web")}   its documentation: {stack.url("web")}/docs
Mails, as received     {stack.url("simulator_http")}
Logs                   ./kiba logs, or {stack.home / "log"}
What runs              ./kiba doctor
Stop all of it         ./kiba stop""")


@click.command()
def stop() -> None:
    """Drain and stop every process and service. Data stays."""
    stack = Stack.default()
    running = stack.running()
    stack.stop()
    click.echo(f"Stopped {', '.join(running)}." if running else "Nothing was running.")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-tools", is_flag=True, help="Keep the venv, Node and Kafka's jars; remove data only.")
def clean(yes: bool, keep_tools: bool) -> None:
    """Stop everything and remove what runs and tests left behind, data included."""
    if not yes:
        click.confirm(f"Remove {TOOLS} with all data in it?", abort=True)
    for home in (Stack.default().home, *_folders(TEST_STACKS)):
        Stack.ephemeral(home).stop()
        shutil.rmtree(home)
    if not keep_tools:
        shutil.rmtree(NODE_MODULES, ignore_errors=True)
        # The venv that this very program runs from is in there.
        shutil.rmtree(TOOLS)
    click.echo("Clean.")


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on printing as lines come in.")
@click.option("-n", "--lines", default=40, show_default=True, help="How many lines to start with.")
def logs(names: tuple[str, ...], follow: bool, lines: int) -> None:
    """Print the end of the logs of all processes and services, or of those named.

    \b
      ./kiba logs smtp webhook -f
    """
    folder = Stack.default().home / "log"
    files = {file.stem: file for file in sorted(folder.glob("*.log"))}
    unknown = set(names) - files.keys()
    if unknown:
        raise click.ClickException(
            f"No log of {', '.join(unknown)}. There are: {', '.join(files) or 'none'}."
        )
    chosen = [str(files[name]) for name in names or files]
    if not chosen:
        raise click.ClickException("Nothing has run yet: ./kiba run")
    tail = ("tail", f"--lines={lines}", *(("--follow=name", "--retry") if follow else ()), *chosen)
    os.execvp(tail[0], tail)  # noqa: S606 - tail takes over, so that Ctrl-C ends it alone


@click.command()
@click.option("--demo", is_flag=True, help="Only the demo's: API, KEY, TEAM, AUDIENCE, PERSON, PASSWORD.")
def env(demo: bool) -> None:
    """Print the environment as `export` lines.

    \b
      eval "$(./kiba env)" && honcho start web     run one process by hand
      eval "$(./kiba env --demo)"                  call the API as the demo's team
    """
    stack = Stack.default()
    for name, value in (_demo_env(stack) if demo else stack.own_env()).items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _demo_env(stack: Stack) -> dict[str, str]:
    facts = Memory(stack.home / MEMORY).facts
    if "audience_id" not in facts:
        raise click.ClickException("The demo has made no team yet: ./kiba run")
    return {
        "API": f"{stack.url('web')}/v1",
        "KEY": facts["api_key"],
        "TEAM": str(facts["team_id"]),
        "AUDIENCE": str(facts["audience_id"]),
        "PERSON": facts.get("person", ""),
        "PASSWORD": facts.get("password", ""),
    }


@click.command()
def migrate() -> None:
    """Bring MySQL's tables and ClickHouse's schema up to date. Repeatable.

    \b
    By hand on this machine (./kiba run does it by itself):
      eval "$(./kiba env)" && ./kiba migrate
    """
    # These read the settings, which every other command does without.
    from sidecars import models
    from sidecars.analytics import schema

    for name in models.migrate():
        click.echo(f"migrated {name}")
    schema.apply()


@contextmanager
def _timed(console: Console, step: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(step):
        yield
    console.print(f"{step} [dim]({time.monotonic() - started:.1f} s)[/]")


def _folders(parent: Path) -> list[Path]:
    return [entry for entry in parent.iterdir() if entry.is_dir()] if parent.exists() else []
