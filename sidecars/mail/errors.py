"""What can be wrong with a mail: its content, found when it is prepared, or one recipient's copy."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One thing to put right. `field` names the part (subject, preheader, body, text); lines count from 1."""

    field: str
    message: str
    line: int | None = None


class ContentError(ValueError):
    """The content cannot become a mail; `errors` says why, for its author."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)


class Unsendable(ValueError):
    """This one recipient's mail cannot be made; its text is the reason, for the ledger."""
