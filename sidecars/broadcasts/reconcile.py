"""The books of a broadcast: the ledger beside what ClickHouse counted and, where there are, receipts.

Sets of message ids are compared and not sums, so that two errors cannot cancel each other out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sidecars.analytics.reports import deferred, engagement, final_states
from sidecars.archive.rows import SendRow
from sidecars.archive.sends import read_sends
from sidecars.broadcasts.on_the_way import OnTheWay, missing, on_the_way
from sidecars.broadcasts.states import SendState
from sidecars.broadcasts.told import told
from sidecars.models import Broadcast

DIFFERENCES_SHOWN = 20
STATES = ("delivered", "bounced", "unknown")
AT_EDGE = "cancelled at an edge"
COMPARED = (*STATES, AT_EDGE, "opened", "clicked", "unsubscribed")

Mails = set[UUID]
Receipt = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One count, by each source that can tell it; None where one cannot."""

    what: str
    ledger: int | None
    clickhouse: int | None
    receipts: int | None


@dataclass(frozen=True)
class Books:
    """`rows` to show; balanced where there are no `differences`, whose first twenty are told in words."""

    balanced: bool
    rows: list[Line]
    differences: list[str]
    on_the_way: OnTheWay


def reconcile(broadcast_id: int, receipts: Iterable[Receipt] | None = None) -> Books:
    """Compares mail by mail. Events take a second or two: ask again before believing in a difference.

    `receipts` are facts of receiving servers, `{"kind", "message_id", …}` as the simulator writes them, of
    any broadcast: those of others are passed over. Raises what `analytics.reports` raises, and
    redis.RedisError.
    """
    broadcast = Broadcast.get_by_id(broadcast_id)
    under_way = on_the_way(broadcast)
    of_broadcast = (broadcast.team_id, broadcast_id)
    sends = {row.message_id: row for row in read_sends(broadcast_id)}
    states = {mail: SendState(row.state) for mail, row in sends.items()}
    facts = None if receipts is None else _facts(receipts, set(states))
    ledger = {what: _having(states, SendState[what.upper()]) for what in STATES}
    heard = final_states(*of_broadcast)
    clickhouse = {what: _having(heard, what) for what in STATES} | engagement(*of_broadcast)
    clickhouse[AT_EDGE] = _having(heard, "cancelled")
    ledger[AT_EDGE] = _cancelled_at_edge(sends, clickhouse[AT_EDGE])
    received = {} if facts is None else _received(facts, ledger)
    differences = [
        *_sums(broadcast.planned_total, len(states)),
        *missing(under_way),
        *(
            f"{mail} is unknown to the ledger, but not to ClickHouse"
            for mail in sorted(set(heard) - set(states))
        ),
        *(_repeated(facts["accepted"]) if facts else ()),
    ]
    rows = [Line("planned", broadcast.planned_total, None, None), *_elsewhere(states)]
    for what in COMPARED:
        sources = (ledger.get(what), clickhouse[what], received.get(what))
        rows.append(Line(what, *(None if mails is None else len(mails) for mails in sources)))
        differences += _differences(what, *sources)
    settled = ledger["delivered"] | ledger["bounced"]
    put_off = {mail for mail in settled if sends[mail].attempts > 1}
    told_put_off = deferred(*of_broadcast) & settled
    witnessed = None if facts is None else len(_put_off(facts) & settled)
    rows.append(Line("deferred", len(put_off), len(told_put_off), witnessed))
    # Receipts are not compared here: a connection that broke before MAIL was nobody's in particular.
    # Nor what ClickHouse alone was told: a lost edge had put it off, and the next one counted from 1.
    differences += _differences("deferred", put_off, told_put_off & put_off, None)
    return Books(not differences, rows, differences[:DIFFERENCES_SHOWN], under_way)


def _having(states: Mapping[UUID, Any], wanted: Any) -> Mails:
    return {mail for mail, state in states.items() if state == wanted}


def _cancelled_at_edge(sends: Mapping[UUID, SendRow], heard: Mails) -> Mails:
    """Those that an edge told of; a mail that was cancelled here on its way to an edge may be among them."""
    return {
        mail
        for mail, row in sends.items()
        if row.state == SendState.CANCELLED and (told(row) or mail in heard)
    }


def _elsewhere(states: Mapping[UUID, SendState]) -> Iterator[Line]:
    """How many stand in each of the other states: the ledger alone tells."""
    numbers = Counter(states.values())
    for state in sorted(set(numbers) - {SendState[what.upper()] for what in STATES}):
        yield Line(state.name.lower(), numbers[state], None, None)


def _put_off(facts: Mapping[str, Counter[UUID]]) -> Mails:
    """What a receiving server put off, or broke off; and took, refused or lost later."""
    return set(facts["deferred"]) | set(facts["dropped"])


def _facts(receipts: Iterable[Receipt], mails: Mails) -> dict[str, Counter[UUID]]:
    """How often each mail met each kind of fact; a robot's visit is a kind by what it visited."""
    facts: dict[str, Counter[UUID]] = defaultdict(Counter)
    for receipt in receipts:
        mail = UUID(receipt["message_id"]) if receipt["message_id"] else None
        if mail in mails:
            facts[" ".join(filter(None, (receipt["kind"], receipt.get("what"))))][mail] += 1
    return facts


def _received(facts: Mapping[str, Counter[UUID]], ledger: Mapping[str, Mails]) -> dict[str, Mails]:
    """The receipts in the ledger's words.

    What was only ever deferred cannot contradict a bounce of ours, nor what arrived a fate that is unknown.
    """
    accepted, returned = set(facts["accepted"]), set(facts["dsn_sent"])
    return {
        "delivered": accepted - returned - ledger["unknown"],
        "bounced": set(facts["refused"]) | returned | (ledger["bounced"] - accepted),
        "opened": set(facts["opened"]),
        "clicked": set(facts["clicked"]) | set(facts["prefetched click"]),
        "unsubscribed": set(facts["unsubscribed"]),
    }


def _sums(planned_total: int, rows: int) -> Iterator[str]:
    if planned_total != rows:
        yield f"{planned_total} were planned, but the ledger has {rows}"


def _repeated(accepted: Counter[UUID]) -> Iterator[str]:
    for mail, number in accepted.items():
        if number > 1:
            yield f"{mail} was received {number} times"


def _differences(what: str, ledger: Mails | None, clickhouse: Mails, receipts: Mails | None) -> Iterator[str]:
    sources = {"the ledger": ledger, "ClickHouse": clickhouse, "the receipts": receipts}
    known = {name: mails for name, mails in sources.items() if mails is not None}
    for mail in sorted(set().union(*known.values())):
        without = [name for name, mails in known.items() if mail not in mails]
        if without:
            yield f"{mail} is {what}, but not by {' and '.join(without)}"
