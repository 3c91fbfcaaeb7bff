"""docs/segments.md tells the truth: its filters are read, its tables hold all operators and fields."""

import json
import re
from pathlib import Path

from sidecars.api.broadcasts import BroadcastChange
from sidecars.audiences.segments.language import DEEPEST, MOST_CONDITIONS, Engaged, Known, read
from sidecars.audiences.segments.operators import FIELDS, OPERATORS
from sidecars.audiences.segments.words import describe

PAGE = (Path(__file__).parents[3] / "docs/segments.md").read_text()
KNOWN = Known({"city": "text", "visits": "number", "birthday": "date", "likes": "list"})
*FILTERS, BROADCAST = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_its_filters_are_filters_and_the_first_reads_as_it_says():
    described = [describe(read(each, KNOWN), KNOWN) for each in FILTERS]
    assert len(described) == 3
    assert f"“{described[0]}”" in PAGE
    assert BroadcastChange.model_validate(BROADCAST).segment_id == 3


def test_it_names_every_operator_field_and_limit():
    for kind, operators in OPERATORS.items():
        (row,) = re.findall(rf"^\| {kind} \| (.*) \|$", PAGE, re.MULTILINE)
        assert set(re.findall(r"`([a-z_]+)`", row)) - {"true", "false"} == set(operators)
    assert all(f"`{field}`" in PAGE for field in (*FIELDS, *Engaged.model_fields) if field != "engagement")
    assert f"at most {DEEPEST} groups deep and {MOST_CONDITIONS} parts" in PAGE
