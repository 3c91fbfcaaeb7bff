"""`./kiba bench`: this system beside Postfix and stock Haraka, on this machine, in one run."""

import signal
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from infra.local.config import REPOSITORY
from infra.local.install import install_all

SYSTEMS = ("postfix", "haraka", "kibamail")
MODES = ("unsigned", "signed", "signed_tls", "slow_sink")
SUMMARY = REPOSITORY / "bench" / "out" / "summary.json"
SHOWN = 10


class Words(click.ParamType[tuple[str, ...]]):
    """Some of the known words, separated by commas."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self.known = known
        self.name = ",".join(known)

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, ...]:
        """In the order of `known`."""
        chosen = value.split(",") if isinstance(value, str) else list(self.known)
        if unknown := set(chosen) - set(self.known):
            self.fail(f"{', '.join(sorted(unknown))} is none of {', '.join(self.known)}", param, context)
        return tuple(word for word in self.known if word in chosen)


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers, separated by commas."""

    name = "number,…"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, ...]:
        """Smallest first."""
        try:
            return tuple(sorted(int(part.replace("_", "")) for part in str(value).split(",")))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers such as 20000,100000", param, context)


@click.command()
@click.option("--systems", type=Words(SYSTEMS), default=",".join(SYSTEMS), show_default=True)
@click.option("--modes", type=Words(MODES), default=",".join(MODES), show_default=True)
@click.option("--mails", type=Numbers(), default="20000,100000", show_default=True, help="Mails of each run.")
@click.option(
    "--check", is_flag=True, help="Measure nothing: look at every mail of the largest broadcast instead."
)
@click.option("--every", default=1, show_default=True, help="With --check: only every so manieth mail.")
@click.option("--docs", is_flag=True, help="Write the plot and the tables of docs/performance.md anew.")
def bench(
    systems: tuple[str, ...],
    modes: tuple[str, ...],
    mails: tuple[int, ...],
    check: bool,
    every: int,
    docs: bool,
) -> None:
    """Measure this system, the whole way, beside Postfix and stock Haraka.

    Takes about ten minutes, on servers of its own that are gone afterwards; Ctrl-C ends it and them. What is
    missing (Postfix, OpenDKIM, a C compiler) is installed. Nothing else should run meanwhile. The figures are
    printed and written to bench/out/summary.json; docs/performance.md says what each means.

    \b
      ./kiba bench
      ./kiba bench --systems haraka,kibamail --modes unsigned --mails 20000
      ./kiba bench --check      is each of 100,000 mails parsed, unique, addressed right and signed?
    """
    install_all(click.echo)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False)
    passed = _check(mails[-1], every, console) if check else _compare(systems, modes, mails, docs, console)
    sys.exit(0 if passed else 1)


def _compare(
    systems: tuple[str, ...], modes: tuple[str, ...], mails: tuple[int, ...], docs: bool, console: Console
) -> bool:
    """Whether everything could be measured, and each mail arrived once."""
    from bench.edge.comparison import Comparison, Plan
    from bench.edge.documents import write_documents
    from bench.edge.tables import tables

    with tempfile.TemporaryDirectory(prefix="kiba-bench-") as home:
        comparison = Comparison(Plan(systems, modes, mails), Path(home), console)
        summary = comparison.summary
        try:
            comparison.run()
        finally:
            summary.write(SUMMARY)
    for table in tables(summary.as_json()):
        console.print(table.for_terminal())
    console.print(f"Written to {SUMMARY.relative_to(REPOSITORY)}")
    if docs:
        write_documents(summary)
    return not summary.problems and all(run.complete for run in summary.runs)


def _check(mails: int, every: int, console: Console) -> bool:
    """Whether no fault was found."""
    from bench.edge import correctness

    found = correctness.check(mails, every, console)
    for message_id, faults in list(found.faults.items())[:SHOWN]:
        console.print(f"  {message_id}: {'; '.join(faults)}", style="red")
    console.print(
        f"{found.looked_at:,} mails parsed and verified: {len(found.faults):,} faulty, "
        f"{found.twice:,} more than once, {found.missing:,} missing"
    )
    return found.all_is_well
