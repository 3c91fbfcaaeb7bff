import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.daemon import Daemon, log_tail
from infra.local.errors import LocalError
from tests.support import wait_for

SLEEPER = ("sleep", "60")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("sleeper", tmp_path)
    yield daemon
    daemon.stop(grace=0)


def start(daemon: Daemon, *command: str) -> int:
    daemon.start(command, dict(os.environ), Path.cwd())
    pid = daemon.pid()
    assert pid is not None
    return pid


def test_is_found_again_by_its_pid_file(daemon: Daemon, tmp_path: Path) -> None:
    pid = start(daemon, *SLEEPER)
    assert Daemon("sleeper", tmp_path).pid() == pid


def test_stop_ends_it_and_forgets_it(daemon: Daemon, tmp_path: Path) -> None:
    pid = start(daemon, *SLEEPER)
    Daemon("sleeper", tmp_path).stop()
    assert daemon.pid() is None
    assert not Path(f"/proc/{pid}").exists()
    assert not daemon.pid_file.exists()


def test_a_pid_that_another_program_got_is_left_alone(daemon: Daemon, tmp_path: Path) -> None:
    start(daemon, *SLEEPER)
    other = Daemon("other", tmp_path)
    pid, started = daemon.pid_file.read_text().split()
    other.pid_file.write_text(f"{pid} {int(started) + 1}")
    assert other.pid() is None
    other.stop()
    assert daemon.pid() == int(pid)


def test_a_pid_file_cut_short_counts_as_none(daemon: Daemon) -> None:
    daemon.pid_file.parent.mkdir()
    daemon.pid_file.write_text("12")
    assert daemon.pid() is None


def test_what_ignores_sigterm_is_killed_with_what_it_started(daemon: Daemon) -> None:
    start(daemon, "sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait")
    child = wait_for(lambda: "".join(log_tail(daemon.log_file, 1)).strip())
    daemon.stop(grace=0.2)
    assert daemon.pid() is None
    wait_for(lambda: has_ended(child))


def test_workers_that_a_killed_leader_left_are_ended(daemon: Daemon) -> None:
    leader = start(daemon, "sh", "-c", "sleep 60 & echo $!; wait")
    worker = wait_for(lambda: "".join(log_tail(daemon.log_file, 1)).strip())
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: daemon.pid() is None)
    assert not has_ended(worker)
    daemon.stop()
    wait_for(lambda: has_ended(worker))


def test_a_death_before_it_is_ready_is_told_with_the_end_of_its_log(daemon: Daemon) -> None:
    start(daemon, sys.executable, "-c", "raise SystemExit('the disk is full')")
    with pytest.raises(LocalError, match="the disk is full"):
        daemon.wait_until(never)


def test_no_answer_in_time_is_told(daemon: Daemon) -> None:
    start(daemon, *SLEEPER)
    with pytest.raises(LocalError, match=r"did not answer in 0 s \(connection refused\)"):
        daemon.wait_until(never, timeout=0.1)


def test_a_failing_setup_is_told_with_the_end_of_its_log(daemon: Daemon) -> None:
    with pytest.raises(LocalError, match="no such table"):
        daemon.run_first(("sh", "-c", "echo no such table; exit 3"), dict(os.environ), Path.cwd())


def test_a_killed_one_is_seen_as_gone(daemon: Daemon) -> None:
    os.kill(start(daemon, *SLEEPER), signal.SIGKILL)
    wait_for(lambda: daemon.pid() is None)


def never() -> None:
    raise ConnectionError("connection refused")


def has_ended(pid: str) -> bool:
    """Gone, or a zombie that nobody has reaped yet."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
