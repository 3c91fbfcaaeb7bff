"""The comparison as a picture: mails a second of each system, mode by mode."""

from pathlib import Path
from typing import Any

import pygal
from pygal.style import CleanStyle

from bench.edge.comparison import SYSTEMS
from bench.edge.mode import MODES


def draw(summary: dict[str, Any], file: Path) -> None:
    """Writes an SVG; of several runs in a mode, the largest."""
    fastest = {(run["system"], run["mode"]): run for run in sorted(summary["runs"], key=lambda run: run["n"])}
    chart = pygal.Bar(
        title=f"Mails a second, {summary['machine']}, {summary['date']}",
        style=CleanStyle,
        width=900,
        height=420,
        print_values=True,
        value_formatter=lambda value: f"{value:,.0f}",
        js=(),
    )
    chart.x_labels = list(MODES)
    for system in SYSTEMS:
        speeds = (fastest.get((system, mode)) for mode in MODES)
        chart.add(system, [run["msg_per_s"] if run else None for run in speeds])
    file.write_bytes(chart.render(is_unicode=False))
