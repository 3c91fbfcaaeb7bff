"""Processes that are interrupted between any two of their steps.

A step is a statement to MySQL, BEGIN and COMMIT among them, or a batch to the edge. Each process of a test is
a thread, for it then has a connection of its own.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pymysql.constants.CR import CR_SERVER_LOST
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS
from pymysql.err import OperationalError

from sidecars.broadcasts import handover, slices
from sidecars.models import database
from sidecars.models.database import is_away


class How(Enum):
    """What happens at the step."""

    KILLED = "the process ends before it: nothing of it runs any more, no `except` and no `finally`"
    LOST = "the connection to MySQL is lost before it"
    UNHEARD = "MySQL does it, but the connection is lost before its answer comes"
    OVERTAKEN = "another process does something first"


class Killed(BaseException):
    """What ends a thread as SIGKILL ends a process."""


@dataclass
class Interruption:
    """At step number `at`, from 1; OVERTAKEN not in a transaction, whose locks would hold the other up."""

    at: int
    how: How
    other: Callable[[], None] | None = None
    happened: bool = field(default=False, repr=False)

    @property
    def lost_mysql(self) -> bool:
        return self.happened and self.how in (How.LOST, How.UNHEARD)

    def before_step(self) -> None:
        """Called before each step of the process."""
        if self.happened and self.how is How.KILLED:
            raise Killed
        self.at -= 1
        if self.happened or self.at > 0 or self.how is How.UNHEARD:
            return
        if self.how is How.OVERTAKEN and database.connection().server_status & SERVER_STATUS_IN_TRANS:
            return
        self.happened = True
        if self.how is How.OVERTAKEN:
            assert self.other is not None
            in_thread(self.other)
        else:
            database.connection().close()
        if self.how is How.KILLED:
            raise Killed

    def after_statement(self) -> None:
        """Called after each statement that was done."""
        if self.how is How.UNHEARD and not self.happened and self.at <= 0:
            self.happened = True
            database.connection().close()
            raise OperationalError(CR_SERVER_LOST, "Lost connection to server during query")


_own = threading.local()


def step() -> None:
    """Where the process that this thread is may be interrupted."""
    if interruption := _interruption():
        interruption.before_step()


def cursor(_: Any = None) -> Any:
    """In place of `database.cursor`: what it executes is a step."""
    made = database.connection().cursor()
    execute = made.execute

    def execute_as_step(*args: Any) -> Any:
        step()
        done = execute(*args)
        if interruption := _interruption():
            interruption.after_statement()
        return done

    made.execute = execute_as_step
    return made


def _interruption() -> Interruption | None:
    return getattr(_own, "interruption", None)


def run(work: Callable[[], None], interruption: Interruption | None = None, moment: float = 0) -> None:
    """Runs `work` as a process, at that moment (seconds since 1970) of MySQL's clock, which stands still.

    Losing MySQL ends it, as it ends a task or a look of the clock. Any other error is raised here.
    """

    def live() -> None:
        try:
            database.connect()
            database.execute_sql("SET timestamp = %s", [moment])
            _own.interruption = interruption
            work()
        except Killed:
            slices._held.clear()  # the memory of a process goes with it
        except Exception as error:
            if not (interruption and interruption.lost_mysql and is_away(error)):
                raise
        finally:
            _own.interruption = None
            if not database.is_closed():
                database.manual_close()  # for good: nobody else may have one whose clock stands still
        handover._resting.clear()

    in_thread(live)


def in_thread(work: Callable[[], None]) -> None:
    """Returns when it is done; raises what it raised."""
    errors: list[BaseException] = []

    def catch() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=catch)
    thread.start()
    thread.join()
    for error in errors:
        raise error
