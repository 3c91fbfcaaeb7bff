"""`./kiba chaos`: does a broadcast survive whatever befalls any part of the system?"""

import re
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from typing_extensions import override

if TYPE_CHECKING:
    from chaos.flight import Outcome

# Of the table, where no terminal says how wide it is.
WIDTH = 130
BROKEN_SHOWN = 20
PAUSES = 5
NUMBERS = (
    "strikes",
    "never",
    "once",
    "more",
    "unknown",
    "cancelled",
    "connections",
    "settled (s)",
)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Jump(click.ParamType[int]):
    """`+1h`, `-30m`: seconds by which a clock is put ahead or back."""

    name = "jump"

    @override
    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Fails where it is neither."""
        found = re.fullmatch(r"([+-]\d+)([smhd])", str(value))
        if not found:
            self.fail(f"{value!r} is no jump of a clock. Write +1h, -30m or +20s.", param, ctx)
        return int(found[1]) * UNITS[found[2]]


@click.command()
@click.option("--recipients", default=20_000, show_default=True, help="People each broadcast goes to.")
@click.option("--seed", default=1, show_default=True, help="Draws what is done, when and for how long.")
@click.option("--strikes", default=3, show_default=True, help="Strikes with one victim.")
@click.option("--only", multiple=True, metavar="VICTIM", help="This victim alone (can be given again).")
@click.option(
    "--signal", "signals", multiple=True, type=click.Choice(["kill", "stop"]), help="With this one alone."
)
@click.option("--stop-seconds", default=30.0, show_default=True, help="How long SIGSTOP lasts.")
@click.option("--all-at-once", is_flag=True, help="Strike all victims together, twice, and none alone.")
@click.option("--pauses", default=0, metavar="N", help="Pause and resume so often, then cancel.  [all: 5]")
@click.option(
    "--clock", type=Jump(), default="+0s", metavar="JUMP", help="Clocks jump so far, and back.  [all: +1h]"
)
@click.option("--duplicates", is_flag=True, help="Every event and every record comes twice, unordered.")
@click.option("--full-disk", is_flag=True, help="The edge's disk and Kafka's are full for a while.")
def chaos(
    recipients: int,
    seed: int,
    strikes: int,
    only: tuple[str, ...],
    signals: tuple[str, ...],
    stop_seconds: float,
    all_at_once: bool,
    pauses: int,
    clock: int,
    duplicates: bool,
    full_disk: bool,
) -> None:
    """Trouble every part in the midst of a broadcast, and count what readers received.

    With none of the options that name a trouble, all of them, which takes the better part of an hour.
    On servers of its own, which are removed afterwards. Exits with 1 where a promise was broken, and says
    which, with the message id: a mail that the ledger calls delivered was never received, or one that it
    calls cancelled or bounced was; somebody got it twice, or is missing from the ledger; more are unknown
    than were in flight; a pause was not obeyed within a second; the books differ.

    \b
      ./kiba chaos
      ./kiba chaos --signal kill --only smtp --only mariadb
      ./kiba chaos --all-at-once --pauses 5 --recipients 2000
      ./kiba chaos --clock +1h --duplicates --full-disk
    """
    from chaos.blows import VICTIMS, kill, stop
    from chaos.plan import Wanted, plan
    from chaos.site import running_site
    from infra.local.install import install_all

    if unknown := set(only) - set(VICTIMS):
        advice = f"There is no {', '.join(sorted(unknown))}, but {', '.join(VICTIMS)}."
        raise click.BadParameter(advice, param_hint="--only")
    others = bool(pauses or clock or duplicates or full_disk)
    strikes_wanted = bool(signals or all_at_once or (only and not others))
    everything = not (strikes_wanted or others)
    by_name = {"kill": kill(), "stop": stop(stop_seconds)}
    wanted = Wanted(
        strikes=strikes,
        victims=only or VICTIMS,
        signals=[by_name[name] for name in signals or by_name] if strikes_wanted or everything else [],
        one_by_one=not all_at_once,
        together=all_at_once or everything,
        pauses=PAUSES if everything else pauses,
        clock=UNITS["h"] if everything else clock,
        duplicates=duplicates or everything,
        full_disk=full_disk or everything,
    )
    install_all(click.echo)
    # A time limit's SIGTERM ends it as Ctrl-C does, so that it still stops what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    outcomes = []
    with (
        console.status("Starting everything") as status,
        running_site(recipients, jumping_clocks=bool(wanted.clock), small_disks=wanted.full_disk) as site,
    ):
        for trial in plan(wanted):
            outcomes.append(trial.run(site, seed, status.update if console.is_terminal else console.print))
            console.print(_told(outcomes[-1]))
    console.print(_table(outcomes))
    for outcome in outcomes:
        for promise in outcome.verdict.broken[:BROKEN_SHOWN]:
            console.print(f"{outcome.victim}, {outcome.how}: {promise}", style="red")
    broken = sum(len(outcome.verdict.broken) for outcome in outcomes)
    console.print(f"every promise kept: {f'no, {broken:,} were broken' if broken else 'yes'}")
    raise SystemExit(1 if broken else 0)


def _told(outcome: "Outcome") -> str:
    kept = f"{len(outcome.verdict.broken):,} promises BROKEN" if outcome.verdict.broken else "promises kept"
    return f"{outcome.victim}, {outcome.how}, {outcome.strikes} times: {kept}, {outcome.seconds:.0f} s"


def _table(outcomes: Sequence["Outcome"]) -> Table:
    """A row a broadcast."""
    table = Table("victim", "how", *NUMBERS, "books", box=None)
    for column in table.columns[2:-1]:
        column.justify = "right"
    for outcome in outcomes:
        verdict = outcome.verdict
        numbers = (
            outcome.strikes,
            verdict.never,
            verdict.once,
            verdict.more,
            verdict.unknown,
            verdict.cancelled,
            outcome.connections,
            round(outcome.seconds),
        )
        books = "equal" if verdict.balanced else "differ"
        table.add_row(outcome.victim, outcome.how, *(f"{number:,}" for number in numbers), books)
    return table
