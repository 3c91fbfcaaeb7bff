"""`./kiba check` and `./kiba test`: what CI runs."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.local.config import REPOSITORY, TEST_STACKS
from infra.local.install import HARAKA, install_all, install_node_packages
from infra.local.stack import Stack
from infra.local.tools import search_path

# Name, command, folder.
CHECKS: Sequence[tuple[str, Sequence[str], Path]] = (
    ("ruff", ("ruff", "check", "--quiet", "--output-format=concise", "."), REPOSITORY),
    ("ruff format", ("ruff", "format", "--check", "--quiet", "."), REPOSITORY),
    ("mypy", ("mypy", "--no-error-summary"), REPOSITORY),
    ("import rules", ("lint-imports", "--no-logo"), REPOSITORY),
    ("eslint", ("npx", "--no-install", "eslint", "."), HARAKA),
    ("prettier", ("npx", "--no-install", "prettier", "--check", "--log-level=warn", "."), HARAKA),
)

# Two processes share the modules, each with servers of its own: tests wait more than they compute.
SIDE_BY_SIDE = ("--numprocesses=2", "--dist=loadscope", "--no-loadscope-reorder")


@click.command()
def check() -> None:
    """Run the linters, formatters, type checker and import rules. Takes seconds."""
    install_node_packages(click.echo)
    if not _run_checks():
        sys.exit(1)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Run the checks and every test, Python and Node, on servers of their own.

    With arguments, run pytest alone and hand them to it.

    \b
      ./kiba test
      ./kiba test tests/mail -k unsubscribe
    """
    install_all(click.echo)
    # A list, so that each runs whatever the others found.
    passed = (
        [_run_pytest(arguments)]
        if arguments
        else [_run_checks(), _run_pytest(SIDE_BY_SIDE), _run_node_tests()]
    )
    if not all(passed):
        sys.exit(1)


def unpinned(wanted: str, pinned: str) -> list[str]:
    """Requirements of a requirements.in that the text of its requirements.txt does not satisfy."""
    pins = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in _requirements(pinned)}
    return [
        str(requirement)
        for requirement in _requirements(wanted)
        if (pin := pins.get(canonicalize_name(requirement.name))) is None
        or not requirement.specifier.contains(pin, prereleases=True)
    ]


def _requirements(text: str) -> list[Requirement]:
    """Options, hashes and comments are on lines of their own, which do not start with a name."""
    return [Requirement(line.rstrip(" \\")) for line in text.splitlines() if line[:1].isalnum()]


def _run_checks() -> bool:
    results = [_check(name, command, folder) for name, command, folder in CHECKS]
    return all([*results, _check_requirements()])


def _check(name: str, command: Sequence[str], folder: Path) -> bool:
    """Prints one line, and the tool's own words where it finds something."""
    started = time.monotonic()
    env = {**os.environ, "PATH": search_path()}
    done = subprocess.run(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    passed = done.returncode == 0
    click.echo(f"{'ok    ' if passed else 'FAILED'} {name} ({time.monotonic() - started:.1f} s)")
    if not passed:
        click.echo(done.stdout)
    return passed


def _check_requirements() -> bool:
    passed = True
    for wanted in sorted(REPOSITORY.glob("requirements*.in")):
        stale = unpinned(wanted.read_text(), wanted.with_suffix(".txt").read_text())
        if stale:
            passed = False
            click.echo(
                f"FAILED {wanted.name}: {', '.join(stale)} is not pinned. "
                f"Run: pip-compile --generate-hashes --allow-unsafe {wanted.name}"
            )
    if passed:
        click.echo("ok     pinned requirements")
    return passed


def _run_pytest(arguments: Sequence[str]) -> bool:
    env = {**os.environ, "PATH": search_path()}
    return _run_tests((sys.executable, "-m", "pytest", *arguments), REPOSITORY, env)


def _run_node_tests() -> bool:
    TEST_STACKS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TEST_STACKS) as home:
        stack = Stack.ephemeral(Path(home))
        try:
            stack.start_services()
            stack.prepare()
            return _run_tests(("npm", "test", "--silent"), HARAKA, stack.env())
        finally:
            stack.stop()


def _run_tests(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> bool:
    """Whether they passed. A signal reaches them too, and they have the time to stop their servers."""
    tests = subprocess.Popen(command, cwd=folder, env=env)

    def hand_on(*_: object) -> None:
        tests.terminate()
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, hand_on)
    try:
        return tests.wait() == 0
    except KeyboardInterrupt:
        tests.wait()
        raise
