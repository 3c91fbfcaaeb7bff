"""The whole product running, and the demonstration run on it once, with fewer readers."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.local.config import REPOSITORY

PROCESSES = ("simulator", "smtp", "webhook", "enricher", "fanout", "web")
READERS = 400
# Their day passes in four seconds. They do what they would do in twenty.
TIME_SCALE = "21600"


class Demo(NamedTuple):
    """The stack it ran on, and what it printed."""

    stack: Any
    home: Path
    printed: str
    exit_code: int


@pytest.fixture(scope="package")
def demo(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("demo")
    contacts = home / "contacts.csv"
    with (REPOSITORY / "demo" / "contacts.csv").open(encoding="utf-8") as everybody:
        contacts.write_text("".join(islice(everybody, READERS + 1)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SIMULATOR_TIME_SCALE", TIME_SCALE)
        stack.start_processes(*PROCESSES)
    try:
        done = run_demo(stack, home, "--contacts", str(contacts))
        yield Demo(stack, home, done.stdout + done.stderr, done.returncode)
    finally:
        stack.stop_processes(*PROCESSES)


def run_demo(stack: Any, home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`./kiba run`'s last part."""
    command = (sys.executable, "-m", "sidecars.commands.demo", "--home", str(home))
    simulator = ("--simulator", stack.url("simulator_http"))
    return subprocess.run(
        (*command, *simulator, *options),
        env=stack.env(),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
