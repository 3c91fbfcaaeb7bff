"""Which trials there are for what was asked for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chaos.blows import CONNECTIONS, VICTIMS, Blow, fill_disk, jump
from chaos.site import DISKS
from chaos.trials import Duplicates, Pauses, Strikes, Trial

TOGETHER = "all at once"
TOGETHER_STRIKES = 2


@dataclass(frozen=True)
class Wanted:
    """`strikes` of the `signals` to each of the `victims`, to all of them `together`, and what else there is.

    `clock` is a jump in seconds; 0: no jump. `pauses`; 0: no pause and no cancel.
    """

    strikes: int = 3
    victims: Sequence[str] = VICTIMS
    signals: Sequence[Blow] = ()
    one_by_one: bool = True
    together: bool = False
    pauses: int = 0
    clock: int = 0
    duplicates: bool = False
    full_disk: bool = False


def plan(wanted: Wanted) -> Iterator[Trial]:
    """In the order in which they are run."""
    for blow in wanted.signals:
        if wanted.one_by_one:
            yield from _each(wanted.victims, blow, wanted.strikes)
        if wanted.together:
            yield Strikes(TOGETHER, wanted.victims, blow, TOGETHER_STRIKES)
    if wanted.pauses:
        yield Pauses(wanted.pauses)
    if wanted.duplicates:
        yield Duplicates()
    if wanted.clock:
        having_one = [victim for victim in wanted.victims if victim != CONNECTIONS]
        yield from _each(having_one, jump(wanted.clock), wanted.strikes)
        yield Strikes(TOGETHER, having_one, jump(wanted.clock), TOGETHER_STRIKES)
    if wanted.full_disk:
        yield from _each(DISKS, fill_disk(), wanted.strikes)


def _each(victims: Iterable[str], blow: Blow, strikes: int) -> Iterator[Strikes]:
    for victim in victims:
        yield Strikes(victim, [victim], blow, strikes)
