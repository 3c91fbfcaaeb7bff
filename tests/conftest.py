"""Fixtures of all tests: the real servers, on ports and in a folder of their own.

A test of a pure module asks for none of them and runs without a server.
"""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from infra.local.config import TEST_STACKS
from infra.local.stack import Stack

TEST_STACKS.mkdir(parents=True, exist_ok=True)
# The folder goes when this object does, at the interpreter's end.
_folder = tempfile.TemporaryDirectory(dir=TEST_STACKS)

# Set before anything of sidecars reads it. No service runs till a test asks for `stack`.
_stack = Stack.ephemeral(Path(_folder.name))
os.environ.update(_stack.own_env())

# A time limit's SIGTERM ends the tests as Ctrl-C does, so that the fixtures still stop what they started.
signal.signal(signal.SIGTERM, signal.default_int_handler)


# For a long search at leisure: ./kiba test … --hypothesis-profile=soak --hypothesis-seed=1
settings.register_profile("soak", max_examples=1500)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka, ClickHouse, MariaDB, Redis and S3, running and prepared. Processes are the test's to start."""
    try:
        _stack.start_services()
        _stack.prepare()
        _fill_redis()
        yield _stack
    finally:
        _stack.kill()


def _fill_redis() -> None:
    """As the clock does. Without a fan-out nobody else would, and edges would take no broadcast's mail."""
    from sidecars.edge import records
    from sidecars.models import database

    with database.connection_context(), records.made_whole():
        records.write_all()
