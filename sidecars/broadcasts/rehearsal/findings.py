"""What a check says: a sentence, what to do, and where."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """`skipped`: it could not be looked at, which says nothing of the broadcast."""

    PASSED = "passed"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """`fix` is empty where there is nothing to do; `where`, where the whole broadcast is meant."""

    status: Status
    message: str
    fix: str = ""
    where: str = ""
    check: str = ""


def passed(message: str, where: str = "") -> Finding:
    """All is well, in figures where there are any."""
    return Finding(Status.PASSED, message, "", where)


def warning(message: str, fix: str, where: str = "") -> Finding:
    """It may go out, and would do better otherwise."""
    return Finding(Status.WARNING, message, fix, where)


def failure(message: str, fix: str, where: str = "") -> Finding:
    """It should not go out like this."""
    return Finding(Status.FAILURE, message, fix, where)


def skipped(message: str, fix: str = "", where: str = "") -> Finding:
    """It could not be looked at."""
    return Finding(Status.SKIPPED, message, fix, where)


def or_passed(findings: Iterable[Finding], message: str) -> Iterator[Finding]:
    """The findings; where there is none, that all is well."""
    found = list(findings)
    yield from found or [passed(message)]
