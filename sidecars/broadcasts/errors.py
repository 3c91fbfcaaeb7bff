"""What can stand in the way of a broadcast."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One thing to put right before publishing; `field` is the API's name of the place."""

    field: str
    message: str


class NotPublishable(Exception):
    """The broadcast cannot go out as it is; `problems` holds all that is wrong."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = list(problems)


class WrongState(Exception):
    """The broadcast stands in a state from which the wish cannot be fulfilled; `state` is its word."""

    def __init__(self, state: str) -> None:
        super().__init__(f"the broadcast is {state}")
        self.state = state
