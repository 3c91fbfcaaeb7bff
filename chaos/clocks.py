"""Wall clocks that jump: each process of the site gets one of its own, which can be put ahead or back.

`clock.c` says how. libfaketime would do it, but has no way to leave CLOCK_MONOTONIC alone that Python's
`time.sleep` survives (docs/decisions/clocks-of-our-own.md).
"""

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.daemon import Daemon
from infra.local.errors import LocalError
from infra.local.install import install_debian_packages

SOURCE = Path(__file__).with_name("clock.c")
COMPILER = {"cc": "gcc", "/usr/include/time.h": "libc6-dev"}


class Clocks:
    """The clocks of all that is started inside `preloaded`. Files are below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "clock.so"
        self._clocks = folder / "clocks"

    @contextmanager
    def preloaded(self) -> Iterator[None]:
        """What is started meanwhile has a clock that jumps. Raises LocalError."""
        self._compile()
        self._clocks.mkdir()
        os.environ |= {"LD_PRELOAD": str(self._library), "KIBA_CLOCKS": str(self._clocks)}  # noqa: TID251
        try:
            yield
        finally:
            del os.environ["LD_PRELOAD"], os.environ["KIBA_CLOCKS"]  # noqa: TID251

    def put_ahead(self, daemon: Daemon, seconds: int) -> None:
        """From the true time, by so much; 0: right again. A daemon that has ended has no clock."""
        pid = daemon.pid()
        if pid is not None:
            with (self._clocks / str(pid)).open("r+b") as clock:  # its process has it mapped: never cut short
                clock.write(struct.pack("=q", seconds))

    def _compile(self) -> None:
        install_debian_packages(lambda _: None, COMPILER)
        command = ("cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LocalError(f"{SOURCE} could not be compiled; is gcc whole?\n{done.stderr}")
