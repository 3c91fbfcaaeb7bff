"""`./kiba lanes` on rows as edges write them."""

import json
import os
import pty
import select
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from sidecars import names
from sidecars.cli import cli
from sidecars.deliverability import sources
from sidecars.deliverability.sources import Facts
from sidecars.edge.store import redis
from sidecars.models import OperatorAction
from tests.lanes import forget_lanes, records, tell
from tests.support import wait_for

LEAVES_THE_SCREEN = b"\x1b[?1049l"


@pytest.fixture(autouse=True)
def _clean(stack):
    forget_lanes()
    sources.create("ada", Facts("out-1"))
    yield
    forget_lanes()


def kiba(*arguments, code=0):
    done = CliRunner().invoke(cli, ["lanes", *arguments], env={"COLUMNS": "140"})
    assert done.exit_code == code, done.output
    return done.output


def test_the_table_is_printed_once_for_a_pipe():
    tell("edge-1", {"waiting": 1234, "oldest_wait_s": 4})
    for shown in (kiba(), kiba("--once")):
        assert "1 lane of 1 edge" in shown
        assert "out-1 → google" in shown
        assert "1,234" in shown


def test_without_an_edge_it_says_where_to_look():
    assert "./kiba doctor" in kiba("--once")


def test_lanes_of_several_edges_come_as_json_one_row_each():
    tell("edge-1", {"waiting": 1})
    tell("edge-2", {"waiting": 2}, {"provider": "yahoo"})
    google, yahoo = json.loads(kiba("--json"))
    assert (google["provider"], google["waiting"], google["edges"]) == ("google", 3, ["edge-1", "edge-2"])
    assert yahoo["edges"] == ["edge-2"]


def test_a_lane_is_paused_at_once_and_it_is_said_what_that_does_and_how_to_undo_it():
    tell("edge-1", {"waiting": 12, "in_flight": 3})
    told = kiba("pause", "--provider", "google", "--reason", "421 storm", "--by", "ada")
    assert "google from every source: no mail begins" in told
    assert "12 mails wait, 3 under way" in told
    assert "./kiba lanes resume --provider google" in told
    control = records(names.LANE_CONTROLS_KEY)["*|google"]
    assert (control["action"], control["reason"], control["by"]) == ("pause", "421 storm", "ada")
    assert "goes on at once" in kiba("resume", "--provider", "google", "--reason", "over")
    assert not redis.exists(names.LANE_CONTROLS_KEY)


def test_all_lanes_are_drained_and_resumed_by_name():
    assert "./kiba lanes resume --all" in kiba("drain", "--all", "--reason", "moving house")
    assert records(names.LANE_CONTROLS_KEY)["*|*"]["action"] == "drain"
    kiba("resume", "--all", "--reason", "moved")


def test_who_does_it_is_the_one_who_is_logged_in(monkeypatch):
    monkeypatch.setenv("SUDO_USER", "grace")
    kiba("pause", "--source", "out-1", "--reason", "x")
    assert OperatorAction.select().order_by(OperatorAction.id.desc()).first().operator == "grace"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["pause", "--reason", "x"], 2, "--all"),
        (["pause", "--all", "--source", "out-1", "--reason", "x"], 2, "--all alone"),
        (["pause", "--provider", "google"], 2, "--reason"),
        (["pause", "--source", "out-9", "--reason", "x"], 1, "no active source out-9. There are: out-1."),
        (["pause", "--provider", "goo gle", "--reason", "x"], 1, "no provider"),
        (["resume", "--provider", "google", "--reason", "x"], 1, "Nobody holds google"),
    ],
)
def test_what_cannot_be_done_says_why(arguments, code, told):
    assert told in kiba(*arguments, code=code)


@pytest.mark.parametrize("arguments", [[], ["pause"], ["drain"], ["resume"]])
def test_help_has_examples(arguments):
    assert "./kiba lanes" in kiba(*arguments, "--help")


def test_on_a_terminal_it_is_live_till_it_is_interrupted():
    tell("edge-1", {"waiting": 1111})
    terminal, theirs = pty.openpty()
    command = (sys.executable, "-m", "sidecars.cli", "lanes")
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "20"}
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
        # A shell that started the tests in the background has them, and what they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    seen = b""

    def shows(text):
        nonlocal seen
        if select.select([terminal], [], [], 0)[0]:
            seen += os.read(terminal, 65536)
        return text in seen

    try:
        wait_for(lambda: shows(b"1,111"))
        tell("edge-1", {"waiting": 2222})
        wait_for(lambda: shows(b"2,222"))
        process.send_signal(signal.SIGINT)
        # Read on: what nobody reads fills the terminal, and holds up whoever writes to it.
        wait_for(lambda: shows(LEAVES_THE_SCREEN))
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        os.close(terminal)
