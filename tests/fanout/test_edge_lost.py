"""An edge dies with its disk in the midst of a broadcast; its mails go out by the next one."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from sidecars import names
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.publish import publish
from sidecars.commands.edge import edge
from sidecars.edge.store import redis
from tests.fanout.test_fanout import PATIENCE, assert_each_got_one
from tests.support import wait_for

PEOPLE = 30


@pytest.fixture
def patient_edge(processes, monkeypatch):
    """Its first retry is far away, so that what was put off stays in its queue."""
    processes.stop_processes("smtp")
    with monkeypatch.context() as patch:
        patch.setenv("KIBA_RETRY_SCHEDULE", "1h*3")
        processes.start_processes("smtp")
    return processes.processes["smtp"]


def kiba(*arguments):
    done = CliRunner().invoke(edge, arguments)
    return done.exit_code, done.output


def test_its_mails_are_counted_and_sent_by_the_next(processes, patient_edge, fanout, sending, receipts):
    broadcast = sending(PEOPLE, outcome="greylist")
    publish(broadcast.id)
    key = names.spool_state_key("edge-1")
    waiting = f'"{broadcast.id}":{PEOPLE}'
    wait_for(lambda: waiting in (redis.get(key) or ""), timeout=PATIENCE)
    code, output = kiba("forget", "edge-1", "--yes")
    assert (code, "edge-1 lives" in output) == (1, True)

    os.kill(patient_edge.daemon.pid(), signal.SIGKILL)
    wait_for(lambda: patient_edge.daemon.pid() is None)
    shutil.rmtree(Path(processes.env()["EDGE_HOME"]))
    wait_for(lambda: not redis.exists(key), timeout=PATIENCE)
    told = f"{PEOPLE} mails of broadcast {broadcast.id} (Spring) are sent again"
    for arguments in (["--dry-run"], ["--yes"]):
        code, output = kiba("forget", "edge-1", *arguments)
        assert code == 0, output
        assert told in output
        # Mails of other tests may be at this edge, too.
        total = sum(int(count) for count in re.findall(r"^(\d+) mails of broadcast", output, re.MULTILINE))
        assert f"{total} mails may arrive twice at the most" in output
    assert kiba("forget", "edge-1") == (0, "Nothing is unsettled at edge-1.\n")
    assert counts(broadcast.id)["accepted"] == 0

    processes.start_processes("smtp")
    assert_each_got_one(broadcast, PEOPLE, receipts)
    assert "edge-1" in kiba("list")[1]
