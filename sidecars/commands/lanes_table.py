"""Lanes as a table for a terminal, trouble on top."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sidecars.edge.lane_states import LaneState

LONG_WAIT_S = 60
NONE_TOLD = (
    "No edge tells of a lane. Edges do while they have mail to deliver: ./kiba doctor says whether one runs."
)


def trouble_first(rows: Sequence[LaneState]) -> list[LaneState]:
    """What needs an operator, then what waits longest, then the busiest."""
    return sorted(
        rows,
        key=lambda row: (
            _trouble(row),
            -(row.oldest_wait_s or 0),
            -row.waiting,
            -row.per_minute,
            row.source,
            row.provider,
        ),
    )


def lanes_view(rows: Sequence[LaneState], at: datetime, most: int | None = None) -> RenderableType:
    """A line of sums and a table of up to `most` lanes; `at` in UTC, for the times in it."""
    if not rows:
        return Text(NONE_TOLD)
    shown = trouble_first(rows)[:most]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, expand=True)
    table.add_column("Lane", overflow="ellipsis", no_wrap=True, min_width=18)
    for title in ("Conns", "Sending", "Waiting", "Oldest", "A minute", "Today"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("State", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in shown:
        table.add_row(*_cells(row, at))
    left_out = len(rows) - len(shown)
    more = [Text(f"… and {left_out:,} lanes more", style="dim")] if left_out else []
    return Group(_sums(rows, at), table, *more)


def _sums(rows: Sequence[LaneState], at: datetime) -> Text:
    edges = {edge for row in rows for edge in row.edges}
    return Text(
        f"{_counted(len(rows), 'lane')} of {_counted(len(edges), 'edge')}, "
        f"{_counted(sum(row.connections for row in rows), 'connection')}: "
        f"{sum(row.in_flight for row in rows):,} mails under way, "
        f"{sum(row.waiting for row in rows):,} waiting, "
        f"{sum(row.per_minute for row in rows):,.0f} begun in the last minute. {at:%H:%M:%S} UTC"
    )


def _cells(row: LaneState, at: datetime) -> tuple[Text | str, ...]:
    waits_long = (row.oldest_wait_s or 0) >= LONG_WAIT_S
    return (
        _plain(f"{row.source} → {row.provider}"),
        f"{row.connections}/{row.connections_limit}",
        f"{row.in_flight:,}",
        Text(f"{row.waiting:,}", style="bold" if row.waiting else "dim"),
        Text(_duration(row.oldest_wait_s) if row.waiting else "", style="yellow" if waits_long else ""),
        f"{row.per_minute:,.0f}/{row.limit_per_minute:,.0f}",
        f"{row.warmup.used:,}/{row.warmup.ceiling:,}" if row.warmup else "",
        _state(row, at),
    )


def _state(row: LaneState, at: datetime) -> Text:
    if row.control:
        verb = "paused" if row.control.action == "pause" else "drained"
        return _plain(f"{verb} by {row.control.by}: {row.control.reason}", "bold red")
    if row.back_off:
        seconds = max(0.0, (row.back_off.until or 0) / 1000 - at.timestamp())
        still = f"{_duration(seconds)} more: " if seconds else ""
        return _plain(f"{still}{row.back_off.reason}", "yellow")
    if _is_full(row):
        return Text("the day's ceiling is reached", style="yellow")
    if row.in_flight or row.waiting:
        return Text("sends", style="green").append_text(_last_reply(row, at))
    return Text("rests", style="dim").append_text(_last_reply(row, at))


def _last_reply(row: LaneState, at: datetime) -> Text:
    if not row.last_replies:
        return Text("")
    last = row.last_replies[0]
    ago = _duration(max(0.0, at.timestamp() - last.at / 1000))
    bad = last.code is None or last.code >= 400
    return _plain(f"; {ago} ago: {last.code or ''} {last.text}", "red" if bad else "dim")


def _trouble(row: LaneState) -> int:
    """The less, the more of it."""
    if row.control and row.waiting:
        return 0
    if row.back_off:
        return 1
    if _is_full(row) and row.waiting:
        return 2
    if row.control:
        return 3
    return 4 if (row.oldest_wait_s or 0) >= LONG_WAIT_S else 5


def _is_full(row: LaneState) -> bool:
    return row.warmup is not None and row.warmup.used >= row.warmup.ceiling


def _plain(text: str, style: str = "") -> Text:
    """Words of others: what a terminal would obey is shown as a blank."""
    return Text("".join(mark if mark.isprintable() else " " for mark in text), style=style)


def _duration(seconds: float | None) -> str:
    whole = round(seconds or 0)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def this_moment() -> datetime:
    """In UTC."""
    return datetime.now(UTC)
