import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from sidecars.settings import Settings, as_markdown


def test_a_variable_is_read_by_its_fields_name(monkeypatch):
    monkeypatch.setenv("SLICE_SIZE", "250")
    assert Settings().slice_size == 250


@pytest.mark.parametrize(
    ("variable", "value"), [("SLICE_SIZE", "0"), ("WEB_PORT", "http"), ("NOTICES_FROM", "Kibamail")]
)
def test_a_value_that_cannot_be_used_is_refused_with_the_variables_name(variable, value, monkeypatch):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError, match=variable.lower()):
        Settings()


def test_a_process_with_a_bad_value_does_not_start():
    command = (sys.executable, "-c", "import sidecars.settings")
    env = {**os.environ, "FANOUT_WORKERS": "many"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "fanout_workers" in done.stderr


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch):
    monkeypatch.setenv("TOKEN_SECRET", "not for a log, 32 characters long")
    assert "not for a log" not in repr(Settings())
    assert "not for a log" not in Settings().model_dump_json()


def test_settings_cannot_be_changed_while_running():
    with pytest.raises(ValidationError):
        Settings().slice_size = 1


def test_the_table_explains_every_variable():
    rows = as_markdown().splitlines()[2:]
    assert len(rows) == len(Settings.model_fields)
    for row in rows:
        _, variable, _, meaning, _ = (cell.strip() for cell in row.split("|"))
        assert variable.strip("`").isupper()
        assert meaning.endswith("."), variable


def test_the_procfile_has_the_same_defaults():
    procfile = (Path(__file__).parents[1] / "Procfile").read_text()
    defaults = re.findall(r"\$\{(\w+):-(.*?)\}", procfile)
    assert defaults
    for variable, default in defaults:
        assert default == str(Settings.model_fields[variable.lower()].default)
