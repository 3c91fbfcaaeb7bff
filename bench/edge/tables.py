"""The figures of a summary as tables, for the terminal and for docs/performance.md.

python -m bench.edge.tables docs/performance.json     prints them as Markdown
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rich.box
import rich.table


@dataclass(frozen=True)
class Table:
    """Columns after the first `words` hold numbers."""

    title: str
    words: int
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def for_terminal(self) -> rich.table.Table:
        """Within 80 columns."""
        table = rich.table.Table(title=self.title, title_justify="left", box=rich.box.SIMPLE_HEAD, padding=0)
        for number, column in enumerate(self.columns):
            widest = max(len(row[number]) for row in self.rows)
            table.add_column(column, justify="left" if number < self.words else "right", min_width=widest)
        for row in self.rows:
            table.add_row(*row)
        return table

    def as_markdown(self) -> str:
        """Under its title."""
        rule = ["---" if number < self.words else "--:" for number in range(len(self.columns))]
        lines = ("| " + " | ".join(cells) + " |" for cells in (self.columns, rule, *self.rows))
        return f"**{self.title}**\n\n" + "\n".join(lines)


def tables(summary: dict[str, Any]) -> list[Table]:
    """All that the summary has figures for; `summary` is a summary.json."""
    made = [runs(summary), processes(summary), stages(summary)]
    return [table for table in made if table.rows]


def runs(summary: dict[str, Any]) -> Table:
    """Speed, what it costs, and what memory it takes."""
    rows = [(run["mode"], run) for run in summary["runs"]]
    rows += [("submitters", run) for run in summary["submitters"]]
    return Table(
        f"{summary['machine']}, {summary['date']}, load {summary['load']} before",
        2,
        ("System", "Mode", "Mails", "msg/s", "× stock", "of RSA bound", "CPU ms/mail", "Ours, MB", "All, MB"),
        [
            (
                run["system"],
                mode,
                f"{run['n']:,}"
                if run["n"] == run["unique"] == run["received"]
                else f"{run['unique']:,} of {run['n']:,}",
                f"{run['msg_per_s']:,.0f}",
                number(run["times_stock"], ".1f"),
                number(run["of_rsa_bound"], ".0%"),
                f"{sum(run['cpu_ms_per_mail'].values()):.2f}",
                number(run.get("ours_peak_mb"), ",.0f"),
                f"{sum(run['peak_mb'].values()):,.0f}",
            )
            for mode, run in rows
        ],
    )


def processes(summary: dict[str, Any]) -> Table:
    """CPU and memory by process, of the largest run of each system and mode."""
    largest = {(run["system"], run["mode"]): run for run in sorted(summary["runs"], key=lambda run: run["n"])}
    return Table(
        "By process, largest run of each",
        3,
        ("System", "Mode", "Process", "CPU ms/mail", "Peak MB"),
        [
            (run["system"], run["mode"], name, f"{cost:.3f}", f"{run['peak_mb'][name]:,.0f}")
            for run in largest.values()
            for name, cost in by_size(run["cpu_ms_per_mail"])
        ],
    )


def stages(summary: dict[str, Any]) -> Table:
    """What a mail costs in each of our processes and in the servers, stage by stage."""
    servers = ("mariadb", "redis", "kafka", "clickhouse")
    rows = [
        (
            stage["name"],
            stage["process"],
            f"{stage['ours']:.1f}",
            *(number(stage["servers"].get(server), ".1f") for server in servers),
        )
        for stage in summary["stages"]
    ]
    return Table("CPU µs a mail, stage by stage", 2, ("Stage", "Process", "ours", *servers), rows)


def by_size(costs: dict[str, float]) -> Iterator[tuple[str, float]]:
    """Dearest first."""
    return iter(sorted(costs.items(), key=lambda item: -item[1]))


def number(value: float | None, form: str) -> str:
    """Blank where there is none."""
    return "" if value is None else format(value, form)


if __name__ == "__main__":
    print("\n\n".join(table.as_markdown() for table in tables(json.loads(Path(sys.argv[1]).read_text()))))
