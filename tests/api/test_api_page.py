"""docs/api.md does what it says: its commands, run in order by a shell against the real thing."""

import json
import re
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from sidecars.accounts import keys
from sidecars.deliverability import domains, senders
from sidecars.edge.records import write_domain
from sidecars.models import SendingDomain, Team, now
from sidecars.settings import settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def team(everything):
    """As `./kiba run` leaves it: a team with a verified domain and a sender."""
    made = Team.create(name="Acme")
    domain = domains.create(made.id, f"news.{uuid4().hex[:8]}.example")
    SendingDomain.update(verified_at=now()).where(SendingDomain.id == domain.id).execute()
    write_domain(domain.id)
    senders.create(made.id, "Acme", f"hello@{domain.name}")
    return made


def test_every_command_of_the_page_works(stack, team, tmp_path):
    commands = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(commands) == 6
    script = "set -e\n" + "\n".join(commands)
    env = {
        "PATH": stack.env()["PATH"],
        "API": f"http://127.0.0.1:{stack.ports['web']}/v1",
        "KEY": keys.make(team.id, "page").secret,
        "OPERATOR_TOKEN": settings.operator_token.get_secret_value(),
    }
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert any(answer.get("email") == "ada@inbox.example" for answer in answers)
    assert any(answer.get("subject") == "Spring is here, Grace" for answer in answers)
    assert {"valid": True, "errors": []} in answers
    assert "event: end" in done.stdout
    assert any("google from every source" in answer.get("effect", "") for answer in answers)
    assert any(len(answer.get("series", ())) == 15 for answer in answers)
    books = next(answer for answer in answers if "balanced" in answer)
    assert books["planned_total"] == books["sum"] >= 1
