"""The books of a broadcast: cheap enough to be asked at any moment, and exact to the mail.

`reconcile` holds receipts of receiving servers and readers beside them, where there are any.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sidecars.analytics.client import query
from sidecars.broadcasts import ledger
from sidecars.broadcasts.compare import CANCELLED, Differing, differing
from sidecars.broadcasts.on_the_way import OnTheWay, missing, on_the_way
from sidecars.broadcasts.told import ALWAYS_TOLD
from sidecars.models import Broadcast

MESSAGES_SHOWN = 20
_COMPARED = tuple(state.name.lower() for state in ALWAYS_TOLD)


@dataclass(frozen=True)
class Balance:
    """Sends by state in the ledger, and what ClickHouse counted of the same; of `cancelled`, those at edges.

    `differences` are in words, `messages` the first mails of which the two tell differently.
    """

    planned_total: int
    states: dict[str, int]
    sum: int
    clickhouse: dict[str, int]
    balanced: bool
    differences: list[str]
    messages: list[Differing]
    on_the_way: OnTheWay


def balance(broadcast: Broadcast) -> Balance:
    """As of now; events on their way make a difference for a second or two.

    Raises clickhouse_driver.errors.Error or OSError where ClickHouse does not answer, and redis.RedisError.
    """
    states = ledger.counts(broadcast.id)
    total = states.pop("total")
    told = query("mails", team_id=broadcast.team_id, broadcast_id=broadcast.id)[0]
    clickhouse = {state: int(told[state]) for state in (*_COMPARED, CANCELLED)}
    planned_total = Broadcast.get_by_id(broadcast.id).planned_total
    messages = list(islice(differing(broadcast), MESSAGES_SHOWN))
    under_way = on_the_way(broadcast)
    differences = [
        *_sums(planned_total, total),
        *_counts(states, clickhouse, messages),
        *missing(under_way),
    ]
    return Balance(
        planned_total, states, total, clickhouse, not differences, differences, messages, under_way
    )


def _sums(planned_total: int, total: int) -> Iterator[str]:
    if total != planned_total:
        yield f"{planned_total:,} were planned, the states add up to {total:,}"


def _counts(
    states: Mapping[str, int], clickhouse: Mapping[str, int], messages: list[Differing]
) -> Iterator[str]:
    odd = [state for state in _COMPARED if states[state] != clickhouse[state]]
    for state in odd:
        yield f"the ledger has {states[state]:,} {state}, ClickHouse {clickhouse[state]:,}"
    if any(CANCELLED in (each.ledger, each.clickhouse) for each in messages):
        yield "the ledger and ClickHouse tell differently of which mails an edge has cancelled"
    elif messages and not odd:
        yield "the ledger and ClickHouse have the same numbers, but of other mails"
