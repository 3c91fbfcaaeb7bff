"""A CPU profile of Node (`--cpu-prof`) by what our code was doing.

A sample belongs to the nearest caller, itself first, that stands in a file of ours: what Node's own modules,
Haraka and libraries do for a file of ours counts as that file's. What no file of ours has called, and garbage
collection, is shared out among all in proportion.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OURS = "/haraka/"
NOT_OURS = "/node_modules/"
IDLE = "(idle)"
START = "start"


def by_file(profile: Path) -> dict[str, float]:
    """Microseconds by file below haraka/, such as `plugins/lib/dkim.js`; the key "" is what nobody called."""
    content: dict[str, Any] = json.loads(profile.read_text())
    nodes = {node["id"]: node for node in content["nodes"]}
    parents = {child: node["id"] for node in nodes.values() for child in node.get("children", ())}
    files: dict[int, str | None] = {}

    def owner(number: int) -> str | None:
        """None for idling. Remembered, as samples repeat."""
        if number not in files:
            frame = nodes[number]["callFrame"]
            found = frame["url"].rpartition(OURS)[2] if OURS in frame["url"] else ""
            if frame["functionName"] == IDLE:
                files[number] = None
            elif (found and NOT_OURS not in frame["url"]) or number not in parents:
                files[number] = found
            else:
                files[number] = owner(parents[number])
        return files[number]

    used: dict[str, float] = defaultdict(float)
    for number, microseconds in zip(content["samples"], content["timeDeltas"], strict=True):
        file = owner(number)
        if file is not None:
            used[file] += microseconds
    return dict(used)


def shares(used: Mapping[str, float], stages: Mapping[str, str], rest: str) -> dict[str, float]:
    """The part of each stage in what files of ours have used; a file that no stage names is of `rest`.

    What happens once, at the start, is left out.
    """
    by_stage = {file: stages.get(file.rpartition("/")[2], rest) for file in used}
    known = {file: time for file, time in used.items() if file and by_stage[file] != START}
    total = sum(known.values()) or 1.0
    parts: dict[str, float] = defaultdict(float)
    for file, time in known.items():
        parts[by_stage[file]] += time / total
    return dict(parts)
