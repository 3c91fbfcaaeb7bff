"""The ledger in memory: what moves make of one recipient's state, and the edge that takes the mails."""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from sidecars.broadcasts.states import SendState, states_before
from sidecars.edge.batch import Outgoing
from sidecars.edge.submit import Result, Status

S = SendState
EDGE = "edge-of-the-model"


class Move(NamedTuple):
    """`to`, if the send stands in a state that leads there; one that `may` be made can also be left out."""

    to: SendState
    leaving: frozenset[SendState]
    may: bool = False

    def made(self, state: SendState) -> SendState:
        return self.to if state in self.leaving else state


def reported(to: SendState) -> Move:
    """What an event of the edge says."""
    return Move(to, states_before(to))


def decided(to: SendState, may: bool = False) -> Move:
    """What a worker decides of a planned send."""
    return Move(to, frozenset({S.PLANNED}), may)


def outcomes(state: SendState, *processes: Sequence[Move], whole: bool = True) -> set[SendState]:
    """Where the send may stand after these processes made their moves, side by side, in any interleaving.

    Not `whole`: the first of them may have ended after any of its moves.
    """
    found = set()
    if (not processes[0] or not whole) and not any(processes[1:]):
        found.add(state)
    for number, moves in enumerate(processes):
        if not moves:
            continue
        first, *rest = moves
        left = (*processes[:number], rest, *processes[number + 1 :])
        for after in {first.made(state)} | ({state} if first.may else set()):
            found |= outcomes(after, *left, whole=whole)
    return found


class Answer(Enum):
    """What the edge does with one mail of a batch."""

    TAKES = "takes it"
    REFUSES = "refuses it for good"
    IS_BUSY = "has no room for it"
    TAKES_UNHEARD = "takes it, but the connection is lost before the answer"


class Edge:
    """Takes each mail once, by its claim, as docs/batch-format.md promises and the real edge's tests show."""

    def __init__(self, step: Callable[[], None]) -> None:
        self.answers: Sequence[Answer] = (Answer.TAKES,)
        self.taken: dict[int, UUID] = {}
        self.refused: set[int] = set()
        self.minted: dict[int, UUID] = {}
        self.decisions: list[tuple[int, Move]] = []
        self._step = step

    def submit(self, mails: Sequence[Outgoing]) -> list[Result]:
        """In place of the pool's: the process may be interrupted before the edge has the batch, and after."""
        self._step()
        results = [
            self._take(mail, self.answers[number % len(self.answers)]) for number, mail in enumerate(mails)
        ]
        self._step()
        return results

    def _take(self, mail: Outgoing, answer: Answer) -> Result:
        contact_id = mail.whose.contact_id
        assert self.minted.setdefault(contact_id, mail.message_id) == mail.message_id, "a second message id"
        if answer is Answer.IS_BUSY:
            return Result(Status.BUSY, 451, "come back later")
        if answer is Answer.REFUSES:
            self.refused.add(contact_id)
            self.decisions.append((contact_id, decided(S.REJECTED)))
            return Result(Status.REJECTED, 550, "refused")
        known = contact_id in self.taken
        self.taken[contact_id] = mail.message_id
        if answer is Answer.TAKES_UNHEARD:
            return Result(Status.BUSY, 0, "no answer from the edge")
        self.decisions.append((contact_id, decided(S.ACCEPTED)))
        return Result(Status.DUPLICATE if known else Status.ACCEPTED, 250, "queued", EDGE)


def moves_of(contact_id: int, decisions: Iterable[tuple[int, Move]]) -> list[Move]:
    """Those of one recipient, in order."""
    return [move for whom, move in decisions if whom == contact_id]
