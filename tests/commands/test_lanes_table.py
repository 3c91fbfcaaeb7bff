"""The table of lanes: what stands on top, and what is said of each."""

import io
from datetime import UTC, datetime

from rich.console import Console

from sidecars.commands.lanes_table import lanes_view, trouble_first
from sidecars.edge.lane_states import LaneState
from tests.lanes import LANE

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
MS = int(AT.timestamp() * 1000)
HELD = {"action": "pause", "reason": "asked by their postmaster", "by": "ada", "at": "2026-11-24T09:00:00Z"}


def row(provider, **fields):
    return LaneState(**(LANE | {"provider": provider, "edges": ["edge-1"]} | fields))


def shown(rows, width=140, most=None):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="truecolor")
    console.print(lanes_view(rows, AT, most))
    return console.file.getvalue()


def test_trouble_is_on_top():
    rows = [
        row("rests", per_minute=0, in_flight=0),
        row("busy", per_minute=900),
        row("slow", waiting=10, oldest_wait_s=61),
        row("held-without-mail", control=HELD),
        row("full", waiting=5, warmup={"used": 480, "ceiling": 480}),
        row("backing-off", back_off={"until": MS, "reason": "421"}),
        row("held", control=HELD, waiting=1),
    ]
    assert [each.provider for each in trouble_first(rows)] == [
        "held",
        "backing-off",
        "full",
        "held-without-mail",
        "slow",
        "busy",
        "rests",
    ]


def test_of_equals_the_one_that_waits_longest_is_first():
    rows = [row("a", oldest_wait_s=1, waiting=9), row("b", oldest_wait_s=5, waiting=1), row("c")]
    assert [each.provider for each in trouble_first(rows)] == ["b", "a", "c"]


def test_it_is_said_what_a_lane_does_and_why():
    text = shown(
        [
            row("google", back_off={"until": MS + 23_000, "reason": "paused, too much: 421 4.7.28"}),
            row("yahoo", control=HELD),
            row("icloud", warmup={"used": 480, "ceiling": 480}, waiting=3, oldest_wait_s=3700),
            row("small.example", in_flight=0, per_minute=0),
        ]
    )
    assert "23 s more: paused, too much: 421 4.7.28" in text
    assert "paused by ada: asked by their postmaster" in text
    assert "the day's ceiling is reached" in text
    assert "480/480" in text
    assert "61 min" in text
    assert "rests" in text
    assert "4 lanes of 1 edge" in text


def test_a_lane_that_cannot_connect_is_shown_with_the_reason():
    reply = {"at": MS - 4000, "code": None, "text": "connection refused"}
    assert "4 s ago:  connection refused" in shown([row("google", last_replies=[reply])])


def test_what_a_server_says_cannot_command_the_terminal():
    reply = {"at": MS, "code": 250, "text": "OK\x1b]0;owned\x07\x1b[2J[bold]x\r\n\x9b31m"}
    text = shown([row("google", last_replies=[reply])])
    assert "[bold]x" in text
    for command in ("\x1b]0", "\x07", "\x1b[2J", "\x9b"):
        assert command not in text


def test_what_does_not_fit_is_counted():
    rows = [row(f"provider-{n}.example", waiting=n, oldest_wait_s=n) for n in range(100)]
    text = shown(rows, most=10)
    assert "and 90 lanes more" in text
    assert "provider-99.example" in text
    assert "provider-89.example" not in text


def test_a_lane_is_one_line_however_narrow_the_terminal():
    rows = [row(f"a-provider-with-a-long-name-{n}.example") for n in range(5)]
    body = [line for line in shown(rows, width=90).splitlines() if "→" in line]
    assert len(body) == 5
