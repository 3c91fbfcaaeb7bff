"""How soon one reader has a mail, and its sender the report: publish → receipt → report, by the API.

Runs on the stack that `./kiba run` left up, as the demo's team:

    .kiba/venv/bin/python -m bench.first_mail [ROUNDS]

The moment of publishing is taken before the request leaves, that of receipt is the simulator's own, and
the report is asked for every 50 ms. A shared machine is busy with others now and then: look at the median.
"""

import sys
import time
from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import Any

import orjson
import requests
from rich.console import Console
from rich.table import Table

from infra.local.stack import Stack
from sidecars.api.ids import number
from sidecars.commands.demo.api import Api
from sidecars.commands.demo.memory import MEMORY, Memory

READER = "first.reader@penpal.example"
PATIENCE = 30.0
BODY = '<p>Hello, <a href="https://thekettle.example/">look</a>.</p><a href="{{ unsubscribe_url }}">Leave</a>'


def main(rounds: int) -> None:
    """Sends `rounds` broadcasts to one reader each and prints seconds, round by round."""
    stack = Stack.default()
    facts = Memory(stack.home / MEMORY).facts
    api = Api(stack.url("web"), facts["api_key"])
    audience = api.post("/audiences", {"name": f"One reader, {time.time():.3f}"})["id"]
    api.post(f"/audiences/{audience}/contacts", {"email": READER})
    table = Table("round", "publish → receipt (s)", "receipt → right report (s)")
    measured = []
    for turn in range(1, rounds + 1):
        measured.append(_round(api, stack.url("simulator_http"), audience, facts["sender_id"]))
        table.add_row(str(turn), *(f"{seconds:.2f}" for seconds in measured[-1]))
    table.add_section()
    table.add_row("median", *(f"{median(column):.2f}" for column in zip(*measured, strict=True)))
    Console().print(table)


def _round(api: Api, simulator: str, audience: str, sender: str) -> tuple[float, float]:
    draft = {
        "name": "One mail",
        "audience_id": audience,
        "sender_id": sender,
        "subject": "Hello",
        "body": BODY,
    }
    broadcast = api.post("/broadcasts", draft)["id"]
    published = time.time()
    api.post(f"/broadcasts/{broadcast}/publish", {})
    received = datetime.fromisoformat(_wait(lambda: _receipt(simulator, broadcast))["at"]).timestamp()
    _wait(lambda: api.get(f"/broadcasts/{broadcast}/report")["delivered"] == 1)
    return received - published, time.time() - received


def _receipt(simulator: str, broadcast: str) -> dict[str, Any] | None:
    query = {"broadcast_id": number(broadcast), "kind": "accepted"}
    lines = requests.get(f"{simulator}/receipts.ndjson", params=query, timeout=10).text.splitlines()
    return orjson.loads(lines[0]) if lines else None


def _wait(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise SystemExit(f"Nothing came within {PATIENCE:.0f} s: ./kiba doctor")
        time.sleep(0.05)
    return value


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
