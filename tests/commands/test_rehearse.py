"""`./kiba rehearse`: what it prints and how it ends."""

import json

import pytest
from click.testing import CliRunner

from sidecars.broadcasts.rehearsal import checks
from sidecars.broadcasts.rehearsal.audience import Recipients
from sidecars.broadcasts.rehearsal.checks import Outcome
from sidecars.broadcasts.rehearsal.duration import Duration
from sidecars.broadcasts.rehearsal.findings import failure, passed
from sidecars.cli import cli
from sidecars.models import Broadcast
from tests.sending import make_draft, make_people, make_team


def kiba(*arguments, code=0):
    done = CliRunner().invoke(cli, ["rehearse", *arguments], env={"COLUMNS": "100"})
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def draft(stack):
    stack.start_processes("simulator")
    team = make_team()
    return make_draft(team, make_people(team, 2).audience)


def test_a_real_rehearsal_is_printed_and_fails_the_command(draft, monkeypatch):
    monkeypatch.setitem(checks.CHECKS, "spam_filter", lambda rehearsal: [passed("tested elsewhere")])
    said = kiba(str(draft.id), code=1)
    assert f"Rehearsal of broadcast {draft.id}, Spring" in said
    assert "dkim                failure" in said
    assert "→ See that the edge runs" in said
    assert "2  outcome.example 2" in said
    assert "takes       less than a minute" in said
    data = json.loads(kiba(str(draft.id), "--json", code=1))
    assert data["summary"]["failures"] > 0
    assert data["recipients"] == {"total": 2, "by_provider": {"outcome.example": 2}, "left_out": {}}


def test_what_passes_ends_well_and_may_be_left_out(draft, monkeypatch):
    def outcome(*findings):
        recipients = Recipients(9000, {"google": 9000}, {"complaint": 3}, {}, {})
        made = Outcome(list(findings), recipients, Duration(5400, "the lane to google"))
        monkeypatch.setattr(checks, "rehearse", lambda broadcast: made)

    outcome(passed("All [is] well."))
    said = kiba(str(draft.id))
    assert "All [is] well." in said
    assert "complaint 3" in said
    assert "about 1:30 h, by the lane to google" in said
    assert "1 passed" in said
    assert "All [is] well." not in kiba(str(draft.id), "--problems")
    outcome(passed("x"), failure("Bad.", "Mend it.", "body"))
    assert "1 passed, 1 failures" in kiba(str(draft.id), "--problems", code=1)


def test_what_cannot_be_rehearsed_is_said(draft):
    assert "There is no broadcast 999999." in kiba("999999", code=1)
    Broadcast.update(state="sent").where(Broadcast.id == draft.id).execute()
    assert "Too late for a rehearsal: the broadcast is sent." in kiba(str(draft.id), code=1)
    assert "./kiba rehearse 7 --problems" in kiba("--help")
