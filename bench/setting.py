"""What the benchmarks share: a stack of their own, and the one number that can be chosen."""

import argparse
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.secrets import Certificate
from infra.local.stack import Stack


@contextmanager
def own_stack(*services: str) -> Iterator[Stack]:
    """Services running and prepared, the environment set for sidecars; nothing is left behind.

    Named services only where any are named: MariaDB has its tables then, and Kafka no topics.
    """
    with tempfile.TemporaryDirectory(prefix="kiba-bench-") as home:
        stack = Stack.ephemeral(Path(home))
        os.environ.update(stack.own_env())  # noqa: TID251 (set for settings.py, which reads it)
        try:
            if services:
                start_some(stack, services)
            else:
                stack.start_services()
                stack.prepare()
            yield stack
        finally:
            stack.stop()


def start_some(stack: Stack, names: Collection[str]) -> None:
    """MariaDB among them."""
    Certificate.below(stack.home).make_if_missing()
    for service in stack.services:
        if service.name in names:
            service.start()

    from sidecars.models import migrate

    migrate()


def chosen(description: str | None, option: str, default: int) -> int:
    """The command line's `--option N`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(f"--{option}", type=int, default=default, dest="number")
    number: int = parser.parse_args().number
    return number
