"""From a CSV to balanced books, through every process."""

import json
import re
import subprocess
import sys
from typing import Any

from infra.local.config import REPOSITORY
from sidecars.api.ids import number
from tests.e2e.conftest import READERS, Demo, run_demo


def kiba(demo: Demo, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "sidecars.cli", *words),
        env=demo.stack.env(),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def facts(demo: Demo) -> dict[str, Any]:
    return json.loads((demo.home / "demo.json").read_text())


def row(printed: str, name: str) -> list[int]:
    (line,) = re.findall(rf"^ *{name} +([\d, ]+)$", printed, re.MULTILINE)
    return [int(number.replace(",", "")) for number in line.split()]


def test_every_reader_is_planned_and_the_three_witnesses_agree(demo: Demo) -> None:
    assert demo.exit_code == 0, demo.printed
    assert f"Imported: {READERS} new, 0 known, 0 refused" in demo.printed
    assert row(demo.printed, "planned") == [READERS]
    settled = [row(demo.printed, state) for state in ("delivered", "bounced", "unknown")]
    assert all(len(set(counts)) == 1 for counts in settled)
    assert sum(counts[0] for counts in settled) == READERS
    assert demo.printed.rstrip().endswith("books balanced: yes")


def test_ledger_and_clickhouse_agree_on_what_was_deferred_and_receivers_saw_some_of_it(demo: Demo) -> None:
    ledger, clickhouse, witnessed = row(demo.printed, "deferred")
    assert ledger == clickhouse > 0
    # Not equal: what breaks off before MAIL is no mail's in particular.
    assert witnessed > 0


def test_some_readers_bounce_and_some_open(demo: Demo) -> None:
    assert row(demo.printed, "bounced")[0] > 0
    assert row(demo.printed, "opened")[0] > READERS // 10


def test_the_api_key_is_readable_by_its_owner_alone(demo: Demo) -> None:
    assert (demo.home / "demo.json").stat().st_mode & 0o077 == 0


def test_a_second_run_sends_nothing_again(demo: Demo) -> None:
    again = run_demo(demo.stack, demo.home)
    assert again.returncode == 0, again.stdout + again.stderr
    assert row(again.stdout, "delivered") == row(demo.printed, "delivered")


def test_reconcile_says_the_same_later(demo: Demo) -> None:
    done = kiba(
        demo, "reconcile", str(facts(demo)["broadcast_id"]), "--receipts", demo.stack.url("simulator_http")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "books balanced: yes" in done.stdout


def test_reconcile_names_a_broadcast_that_is_not_there(demo: Demo) -> None:
    done = kiba(demo, "reconcile", "4000000")
    assert done.returncode == 1
    assert "There is no broadcast 4000000." in done.stderr


def test_reconcile_says_no_and_names_the_mail_when_the_ledger_is_wrong(demo: Demo) -> None:
    from uuid import UUID

    from sidecars.broadcasts.states import SendState
    from sidecars.models import Send, database

    broadcast = number(facts(demo)["broadcast_id"])
    with database.connection_context():
        send = Send.get(Send.broadcast_id == broadcast, Send.state == SendState.DELIVERED)
        of_it = (Send.broadcast_id == broadcast, Send.contact_id == send.contact_id)
        Send.update(state=SendState.BOUNCED).where(*of_it).execute()
    try:
        done = kiba(demo, "reconcile", str(broadcast))
    finally:
        with database.connection_context():
            Send.update(state=SendState.DELIVERED).where(*of_it).execute()
    assert done.returncode == 1
    assert "books balanced: no" in done.stdout
    assert str(UUID(str(send.message_id))) in done.stdout


def test_each_mail_parses_its_signature_verifies_and_its_links_lead_on(demo: Demo) -> None:
    done = kiba(
        demo,
        "inspect",
        str(facts(demo)["broadcast_id"]),
        "--receipts",
        demo.stack.url("simulator_http"),
        "--follow",
        "2",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Those that came back by a DSN were received too.
    parsed, good = map(int, re.findall(r"^(\d+) mails parsed, each once; (\d+) without", done.stdout)[0])
    assert parsed == good >= row(demo.printed, "delivered")[0]
    assert "0 problems" in done.stdout
