"""The states of a send and of a broadcast, and the only moves between them.

Every UPDATE of a state names the states that it leaves; whoever moves asks this table first.
`as_mermaid` draws it for docs/architecture.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum, StrEnum
from typing import TypeVar


class SendState(IntEnum):
    """Where one recipient's mail stands. The codes are stored in `sends.state`."""

    PLANNED = 1  # chosen, nothing done
    CLAIMED = 2  # a worker holds its slice; stored as PLANNED, since a slice is dearer to mark row by row
    ACCEPTED = 3  # the edge answered 250 and has it on disk; a deferred mail stays here
    DELIVERED = 4  # the recipient's server answered 250
    BOUNCED = 5  # refused for good, or expired
    REJECTED = 6  # never handed over: the edge refused it (5xx), or it could not be composed
    SKIPPED = 7  # not sent, for the reason
    CANCELLED = 8  # the user stopped it first
    UNKNOWN = 9  # the connection was lost after the final dot (RFC 1047): it may have arrived


class Reason(IntEnum):
    """Why a send stands where it stands. The codes are stored in `sends.reason`."""

    NONE = 0
    SUPPRESSED = 1
    UNSUBSCRIBED = 2
    INVALID = 3
    OVER_QUOTA = 4
    PAUSED = 5
    HARD_BOUNCE = 10
    SOFT_BOUNCE_EXPIRED = 11
    BLOCKED = 12
    MAILBOX_FULL = 13
    LATE_DSN = 14
    NEEDS_SMTPUTF8 = 15
    REFUSED_BY_EDGE = 20
    COMPOSE_FAILED = 21
    EDGE_BUSY = 22
    EDGE_LOST = 23
    CANCELLED = 30


_S = SendState

# An edge reports CANCELLED of a mail that it had and that it had not begun when its broadcast was cancelled.
# DELIVERED and BOUNCED are facts that the edge reports, and so is UNKNOWN till one of them clears it up. A
# fact may overtake the worker's own UPDATE (it leaves CLAIMED), and it wins over what a worker decided of a
# mail that it took for unsent: it died between the edge's 250 and its own UPDATE, and whoever came next
# skipped, cancelled or gave up the row.
_LAST_FACTS = frozenset({_S.DELIVERED, _S.BOUNCED})
_FACTS = _LAST_FACTS | {_S.UNKNOWN}

SEND_MOVES: Mapping[SendState, frozenset[SendState]] = {
    _S.PLANNED: frozenset({_S.CLAIMED, _S.SKIPPED, _S.CANCELLED}),
    _S.CLAIMED: frozenset({_S.PLANNED, _S.ACCEPTED, _S.REJECTED, _S.SKIPPED}) | _FACTS,
    _S.ACCEPTED: frozenset({_S.CANCELLED, _S.PLANNED}) | _FACTS,  # PLANNED: its edge is lost for good
    _S.DELIVERED: frozenset({_S.BOUNCED}),  # a DSN that came later
    _S.BOUNCED: frozenset(),
    _S.REJECTED: _FACTS,
    _S.SKIPPED: _FACTS,
    _S.CANCELLED: _FACTS,
    _S.UNKNOWN: _LAST_FACTS,
}


class BroadcastState(StrEnum):
    """Where a broadcast stands. The words are stored in `broadcasts.state`."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PLANNING = "planning"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"  # every recipient was handed to an edge or settled; what an edge has can be held back
    CANCELLED = "cancelled"
    STOPPED = "stopped"  # by a policy, with its reason


_B = BroadcastState

BROADCAST_MOVES: Mapping[BroadcastState, frozenset[BroadcastState]] = {
    _B.DRAFT: frozenset({_B.SCHEDULED, _B.PLANNING}),
    _B.SCHEDULED: frozenset({_B.DRAFT, _B.PLANNING, _B.CANCELLED, _B.STOPPED}),
    _B.PLANNING: frozenset({_B.SENDING, _B.PAUSED, _B.CANCELLED, _B.STOPPED}),
    _B.SENDING: frozenset({_B.PAUSED, _B.SENT, _B.CANCELLED, _B.STOPPED}),
    _B.PAUSED: frozenset({_B.PLANNING, _B.SENDING, _B.CANCELLED, _B.STOPPED}),
    _B.SENT: frozenset({_B.SENDING, _B.PAUSED, _B.CANCELLED, _B.STOPPED}),  # SENDING: its edge is lost
    _B.CANCELLED: frozenset(),
    _B.STOPPED: frozenset(),
}

State = TypeVar("State", SendState, BroadcastState)


class ForbiddenMove(Exception):
    """A move that the tables do not hold: an error in the program, not in its input."""


def check_broadcast_move(leaving: Iterable[BroadcastState], to: BroadcastState) -> None:
    """Raises ForbiddenMove where one of the states in `leaving` does not lead to `to`."""
    _check(leaving, {state for state, targets in BROADCAST_MOVES.items() if to in targets}, to)


def check_send_move(leaving: Iterable[SendState], to: SendState) -> None:
    """The same for a send; `leaving` holds states as they are stored."""
    _check(leaving, states_before(to), to)


def states_before(to: SendState) -> frozenset[SendState]:
    """The states that lead to `to`, as they are stored: a claimed send stands as PLANNED."""
    leading = {state for state, targets in SEND_MOVES.items() if to in targets}
    return frozenset(_S.PLANNED if state is _S.CLAIMED else state for state in leading)


def _check(leaving: Iterable[State], allowed: Collection[State], to: State) -> None:
    for state in leaving:
        if state not in allowed:
            raise ForbiddenMove(f"{state.name} does not lead to {to.name}")


def as_mermaid(moves: Mapping[State, frozenset[State]]) -> str:
    """A `stateDiagram-v2` of the table."""
    lines = ["stateDiagram-v2", f"    [*] --> {next(iter(moves)).name.lower()}"]
    for state, targets in moves.items():
        lines += [f"    {state.name.lower()} --> {target.name.lower()}" for target in sorted(targets)]
        if not targets:
            lines.append(f"    {state.name.lower()} --> [*]")
    return "\n".join(lines)
