import shutil
import subprocess
from pathlib import Path

import pytest

from infra.local.config import REPOSITORY


def kiba(*words: str, cwd: Path, script: Path = REPOSITORY / "kiba") -> subprocess.CompletedProcess[str]:
    return subprocess.run((script, *words), cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The script as a clone has it in which nothing was ever installed, reached through a link."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("kiba", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(REPOSITORY / name, clone)
    link = tmp_path / "kiba"
    link.symlink_to(clone / "kiba")
    return link


def test_help_names_the_words_with_examples_from_any_folder(tmp_path: Path) -> None:
    told = kiba("help", cwd=tmp_path)
    assert told.returncode == 0
    assert "./kiba logs smtp -f" in told.stdout
    assert all(word in told.stdout for word in ("run", "stop", "clean", "doctor", "check", "test"))


@pytest.mark.parametrize("word", ["stop", "clean"])
def test_a_clone_that_never_ran_is_left_as_it_is(word: str, fresh: Path) -> None:
    told = kiba(word, cwd=fresh.parent, script=fresh)
    assert (told.returncode, told.stderr) == (0, "Nothing is installed here.\n")
    assert not (fresh.resolve().parent / ".kiba").exists()


def test_a_word_that_is_none_is_refused(tmp_path: Path) -> None:
    told = kiba("rnu", cwd=tmp_path)
    assert told.returncode == 2
    assert "No such command 'rnu'" in told.stderr
