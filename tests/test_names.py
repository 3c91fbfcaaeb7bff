"""The Python and the Node side spell each shared name alike."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from sidecars import names

NAMES_JS = Path(__file__).parents[1] / "haraka/plugins/lib/names.js"

PRINT_NAMES = """
const names = require(process.argv[1])
const shown = Object.entries(names).map(([name, value]) =>
    [name, typeof value === 'function' ? value(...JSON.parse(process.argv[2])[name]) : value])
console.log(JSON.stringify(Object.fromEntries(shown)))
"""

MESSAGE_ID = "01890f5e-3f40-7abc-8def-0123456789ab"
KEYS = {
    "teamKey": (names.team_key, [7]),
    "domainKey": (names.domain_key, ["News.Acme.Example"]),
    "broadcastClaimKey": (names.broadcast_claim_key, [7, 2**40]),
    "emailClaimKey": (names.email_claim_key, [MESSAGE_ID]),
    "submissionClaimKey": (names.submission_claim_key, [7, "x"]),
    "suppressedKey": (names.suppressed_key, [7]),
    "recipientsKey": (names.recipients_key, [7, 490_000]),
    "loginFailuresKey": (names.login_failures_key, ["192.0.2.1"]),
    "loginLockKey": (names.login_lock_key, ["team-7"]),
    "loginKnownKey": (names.login_known_key, [7, "192.0.2.1"]),
    "warmupKey": (names.warmup_key, ["engage-1"]),
    "laneBudgetKey": (names.lane_budget_key, ["engage-1", "google"]),
    "laneUsedKey": (names.lane_used_key, ["engage-1", "google", "20261124"]),
    "laneStateKey": (names.lane_state_key, ["edge-1"]),
    "spoolStateKey": (names.spool_state_key, ["edge-1"]),
}


@pytest.fixture(scope="module")
def node_names():
    node = shutil.which("node") or pytest.fail("node is not on PATH: ./kiba doctor tells how to get it")
    arguments = {name: values for name, (_, values) in KEYS.items()}
    command = (node, "-e", PRINT_NAMES, str(NAMES_JS), json.dumps(arguments))
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_spelled_alike(name, node_names):
    spell, values = KEYS[name]
    assert node_names[name] == spell(*values)


def test_every_other_name_of_the_edge_is_spelled_alike(node_names):
    others = node_names.keys() - KEYS.keys()
    assert others
    for name in others:
        assert node_names[name] == getattr(names, name), name


def test_topics_are_named_once_each_and_have_a_place_for_dead_letters():
    assert len(set(names.ALL_TOPICS)) == len(names.ALL_TOPICS)
    assert {names.dead_topic(topic) for topic in names.RAW_TOPICS} <= set(names.ALL_TOPICS)
