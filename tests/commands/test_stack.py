"""The words of ./kiba on a clone of their own, so that the developer's own stack is not touched."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.config import REPOSITORY, default_ports
from infra.local.ports import free_ports

Kiba = Callable[..., subprocess.CompletedProcess[str]]

START_REDIS = """
from infra.local.stack import Stack
next(service for service in Stack.default().services if service.name == "redis").start()
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for package in ("infra", "sidecars"):
        shutil.copytree(REPOSITORY / package, tmp_path / package)
    shutil.copy(REPOSITORY / "Procfile", tmp_path)
    return tmp_path


@pytest.fixture
def kiba(clone: Path) -> Iterator[Kiba]:
    offset = free_ports(["redis"])["redis"] - default_ports()["redis"]
    env = {**os.environ, "PYTHONPATH": str(clone), "KIBA_PORT_OFFSET": str(offset), "COLUMNS": "120"}

    def run(
        *words: str, python: tuple[str, ...] = ("-m", "sidecars.cli")
    ) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-P", *python, *words)
        return subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False)

    yield run
    if any((clone / ".kiba/stack").glob("run/*.pid")):
        run("stop")


@pytest.fixture
def redis_runs(kiba: Kiba) -> None:
    assert kiba(python=("-c", START_REDIS)).returncode == 0


def test_doctor_says_that_nothing_runs(kiba: Kiba) -> None:
    told = kiba("doctor")
    assert told.returncode == 0
    assert "`./kiba run`" in told.stdout


@pytest.mark.usefixtures("redis_runs")
def test_doctor_shows_what_answers(kiba: Kiba) -> None:
    told = kiba("status")
    assert told.returncode == 0
    redis = next(line.split() for line in told.stdout.splitlines() if line.startswith("│ redis"))
    assert redis[3] == "ok"


@pytest.mark.usefixtures("redis_runs")
def test_doctor_fails_where_something_runs_and_does_not_answer(kiba: Kiba, clone: Path) -> None:
    (pid_file,) = (clone / ".kiba/stack/run").iterdir()
    shutil.copy(pid_file, pid_file.with_name("smtp.pid"))
    told = kiba("doctor")
    assert told.returncode == 1
    assert "not well: smtp" in told.stderr
    pid_file.with_name("smtp.pid").unlink()


@pytest.mark.usefixtures("redis_runs")
def test_stop_names_what_it_stopped(kiba: Kiba) -> None:
    assert kiba("stop").stdout == "Stopped redis.\n"
    assert kiba("stop").stdout == "Nothing was running.\n"


@pytest.mark.usefixtures("redis_runs")
def test_logs_shows_the_end_of_the_named_log(kiba: Kiba) -> None:
    assert "Ready to accept connections" in kiba("logs", "redis").stdout


@pytest.mark.usefixtures("redis_runs")
def test_logs_of_what_never_ran_names_those_there_are(kiba: Kiba) -> None:
    told = kiba("logs", "web")
    assert told.returncode == 1
    assert "No log of web. There are: redis." in told.stderr


def test_logs_before_the_first_run_says_how_to_run(kiba: Kiba) -> None:
    assert "./kiba run" in kiba("logs").stderr


def test_env_is_what_a_shell_can_read(kiba: Kiba) -> None:
    exports = kiba("env").stdout
    read = subprocess.run(
        ("sh", "-c", f'{exports}\necho "$DATABASE_URL"'), capture_output=True, text=True, check=True
    )
    assert read.stdout.startswith("mysql://kibamail:")


@pytest.mark.usefixtures("redis_runs")
def test_while_it_runs_it_keeps_its_ports_whatever_the_offset_says(kiba: Kiba) -> None:
    before = kiba("env").stdout
    moved = kiba(
        python=(
            "-c",
            "import os; os.environ['KIBA_PORT_OFFSET'] = '7'; from sidecars.cli import cli; cli(['env'])",
        )
    )
    assert moved.stdout == before


@pytest.mark.usefixtures("redis_runs")
def test_clean_stops_and_removes_all_of_it(kiba: Kiba, clone: Path) -> None:
    assert kiba("clean", "--yes").stdout == "Clean.\n"
    assert not (clone / ".kiba").exists()


def test_clean_asks_first(kiba: Kiba, clone: Path) -> None:
    kiba("env")
    assert kiba("clean").returncode == 1
    assert (clone / ".kiba").exists()


def test_clean_can_keep_the_tools(kiba: Kiba, clone: Path) -> None:
    kiba("env")
    (clone / ".kiba/venv").mkdir()
    kiba("clean", "--yes", "--keep-tools")
    assert (clone / ".kiba/venv").exists()
    assert not (clone / ".kiba/stack").exists()
