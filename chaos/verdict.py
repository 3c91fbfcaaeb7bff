"""Who got the mail how often, what the ledger says of them, and every promise that was not kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sidecars.broadcasts.states import SendState

# States that say: nobody has received it.
NOT_SENT = {SendState.BOUNCED, SendState.REJECTED, SendState.SKIPPED, SendState.CANCELLED}
# And those that no mail stays in.
ON_THE_WAY = {SendState.PLANNED, SendState.CLAIMED, SendState.ACCEPTED}


@dataclass(frozen=True)
class Row:
    """One recipient in the ledger."""

    contact_id: int
    message_id: UUID
    state: SendState


@dataclass(frozen=True)
class Verdict:
    """Recipients who received it `never`, `once` and `more` often, and those whom the ledger says to be
    `unknown` or `cancelled`. `broken` tells each promise that was not kept, with its message id."""

    never: int
    once: int
    more: int
    unknown: int
    cancelled: int
    balanced: bool
    broken: Sequence[str]


def judge(
    contacts: Iterable[int],
    ledger: Sequence[Row],
    received: Mapping[UUID, int],
    most_unknown: int,
    differences: Sequence[str],
) -> Verdict:
    """`differences` are those of the books; `most_unknown` is what may have been in flight when struck."""
    times = Counter(received.get(row.message_id, 0) for row in ledger)
    states = Counter(row.state for row in ledger)
    broken = [
        *(told for row in ledger for told in _broken(row, received.get(row.message_id, 0))),
        *(f"contact {each} is not in the ledger" for each in sorted(_missing(contacts, ledger))),
        *differences,
    ]
    if states[SendState.UNKNOWN] > most_unknown:
        broken.append(f"{states[SendState.UNKNOWN]} are unknown, yet at most {most_unknown} were in flight")
    return Verdict(
        never=times[0],
        once=times[1],
        more=len(ledger) - times[0] - times[1],
        unknown=states[SendState.UNKNOWN],
        cancelled=states[SendState.CANCELLED],
        balanced=not differences,
        broken=broken,
    )


def _broken(row: Row, times: int) -> Iterator[str]:
    """A broadcast is never sent twice, not even what is unknown."""
    mail, state = row.message_id, row.state.name.lower()
    if times > 1:
        yield f"{mail} is {state} and was received {times} times"
    if row.state in ON_THE_WAY:
        yield f"{mail} is still {state}"
    elif row.state is SendState.DELIVERED and not times:
        yield f"{mail} is {state}, yet was never received"
    elif row.state in NOT_SENT and times:
        yield f"{mail} is {state}, yet was received"


def _missing(contacts: Iterable[int], ledger: Iterable[Row]) -> set[int]:
    return set(contacts) - {row.contact_id for row in ledger}


def late(receipts: Iterable[Mapping[str, Any]], quiet: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What was received between the two moments (RFC 3339, as the receipts' `at`) of any silence."""
    for receipt in receipts:
        if any(start < receipt["at"] < end for start, end in quiet):
            yield f"{receipt['message_id']} was received at {receipt['at']}, while nothing was to be sent"
