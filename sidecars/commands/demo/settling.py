"""Waiting for the world: receivers that answer late, people who read when they like."""

import time
from typing import Any

import requests

from sidecars.commands.demo.api import Api
from sidecars.commands.demo.steps import Watch

# Longer than the edge's retry schedule on a developer's machine: by then a mail has arrived or was given up.
SETTLE_SECONDS = 300
PAUSE = 0.5
UNDER_WAY = ("planned", "claimed", "accepted")


def watch_settling(api: Api, broadcast_id: str, watch: Watch) -> bool:
    """Returns True when no send is under way any more, False after SETTLE_SECONDS."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        progress = api.get(f"/broadcasts/{broadcast_id}/progress")
        left = sum(progress["counts"][state] for state in UNDER_WAY)
        watch(progress["total"] - left, progress["total"])
        if not left:
            return True
        time.sleep(PAUSE)
    return False


def watch_people(simulator: str, watch: Watch) -> None:
    """Returns when everybody did what they were going to do, and nothing new came for a moment."""
    quiet = 0
    while quiet < 3:
        progress: dict[str, Any] = requests.get(f"{simulator}/progress", timeout=10).json()
        pending = progress["pending_actions"]
        done = sum(n for kind, n in progress["counts"].items() if kind not in ("accepted", "refused"))
        watch(done, done + pending)
        quiet = 0 if pending else quiet + 1
        time.sleep(PAUSE)
