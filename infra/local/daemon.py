"""A background process with a pid file and a log, that is found again by the next command.

The pid file holds the pid and the process's start time in clock ticks since boot (proc(5),
/proc/PID/stat field 22), so a pid that the kernel has given to another program is never taken for ours.
"""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from infra.local.errors import LocalError

POLL_SECONDS = 0.05


class Daemon:
    """One process below `home`: run/<name>.pid and log/<name>.log."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.pid_file = home / "run" / f"{name}.pid"
        self.log_file = home / "log" / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    def run_first(self, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        """Runs a command that sets the process up, to its end. Raises LocalError with the log's end."""
        with self._open_log() as log:
            done = subprocess.run(
                command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )
        if done.returncode:
            raise LocalError(f"{self.name} could not be set up: {command[0]} failed. {self._log_end()}")

    def start(self, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        """Starts `command` in a session of its own, so that Ctrl-C at the terminal does not reach it."""
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self._sweep()
        with self._open_log() as log:
            self._child = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started = _start_time(self._child.pid)
        if started is not None:
            self.pid_file.write_text(f"{self._child.pid} {started}\n")

    def pid(self) -> int | None:
        """The pid while the process runs, else None."""
        if self._child is not None:
            self._child.poll()  # reaps it, if it has ended
        recorded = self._recorded()
        if recorded is None:
            return None
        pid, started = recorded
        return pid if _start_time(pid) == started else None

    def wait_until(self, answers: Callable[[], object], timeout: float = 120) -> None:
        """Returns when `answers` raises nothing. LocalError with the log's end at death or `timeout` s."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                answers()
                return
            except Exception as error:  # each client library has its own way to say "not yet"
                last = error
            if self.pid() is None:
                raise LocalError(f"{self.name} ended before it was ready. {self._log_end()}") from last
            if time.monotonic() > deadline:
                raise LocalError(
                    f"{self.name} did not answer in {timeout:.0f} s ({last}). {self._log_end()}"
                ) from last
            time.sleep(POLL_SECONDS)

    def stop(self, grace: float = 30) -> None:
        """SIGTERM, up to `grace` seconds for it to drain, then SIGKILL to it and all that it started."""
        pid = self.pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + grace
            while self.pid() is not None and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
        self._sweep()

    def kill(self) -> None:
        """SIGKILL to it and all that it started; returns when it has ended."""
        self._sweep()

    def _sweep(self) -> None:
        """Kills what is left of its process group: a killed leader leaves its workers behind."""
        if recorded := self._recorded():
            pid, started = recorded
            if _start_time(pid) in (started, None):
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            while self.pid() is not None:
                time.sleep(POLL_SECONDS)
        self.pid_file.unlink(missing_ok=True)

    def _recorded(self) -> tuple[int, int] | None:
        """Pid and start time from the pid file; None where there is none, or one cut short."""
        try:
            pid, started = map(int, self.pid_file.read_text().split())
        except (FileNotFoundError, ValueError):
            return None
        return pid, started

    def _open_log(self) -> BinaryIO:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        return self.log_file.open("ab")

    def _log_end(self) -> str:
        lines = log_tail(self.log_file, 15)
        return f"The end of {self.log_file}:\n" + "".join(lines) if lines else f"{self.log_file} is empty."


def log_tail(file: Path, lines: int) -> list[str]:
    """The last `lines` lines of a log; none where there is no log."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", errors="replace") as log:
        return list(deque(log, lines))


def _start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of `pid`; None where it has ended, reaped or not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the program's name, may hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended, unless other threads of it still do: till then its ports are taken.
    ended = fields[0] in "ZX" and int(fields[17]) <= 1
    return None if ended else int(fields[19])
