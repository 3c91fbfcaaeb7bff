"""Work on a file that one worker holds at a time, by a claim with a lease; then another may take it over.

The work is a row of a table with `state`, `claim`, `lease_until`, `attempts`, `reason` and `finished_at`.
Leases are set and judged by the database's clock.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

from peewee import SQL

from sidecars.models import ContactExport, ContactImport, now
from sidecars.models.moments import from_now, is_over
from sidecars.settings import settings

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
WAITING = ("uploaded", "queued")
UNFINISHED = (*WAITING, "running")

Job = TypeVar("Job", ContactImport, ContactExport)


class LeaseLost(Exception):
    """Another worker has taken it over, or it was cancelled; this one must write nothing more."""


def lease() -> SQL:
    """SQL for the moment until which a worker holds what it takes now, or by which its task has come."""
    return from_now(settings.lease_seconds)


def take(table: type[Job], job_id: int) -> Job | None:
    """The work, ours for a lease; None where it has ended or another worker holds it."""
    free = table.state.in_(WAITING) | ((table.state == "running") & _is_free(table))
    taken = (
        table.update(state="running", claim=uuid4(), lease_until=lease(), attempts=table.attempts + 1)
        .where(table.id == job_id, free)
        .execute()
    )
    return table.get_by_id(job_id) if taken else None


def stalled(table: type[Job]) -> list[int]:
    """What nobody works on: a task got lost, or its worker died. For the clock to start again."""
    unfinished = table.state.in_(UNFINISHED)
    return [row.id for row in table.select(table.id).where(unfinished, _is_free(table))]


@contextmanager
def held(job: Job, hopeless: type[Exception]) -> Iterator[None]:
    """What is done within ends the work, as finished; with `hopeless`, whose text is the reason, as failed.

    Any other error is raised and leaves it to be taken again after 2, 4, 8 … seconds; at the MAX_ATTEMPTS-th
    it has failed.
    """
    try:
        yield
        _end(job, "finished", "")
    except LeaseLost:
        log.warning("taken over by another worker, or cancelled", extra=ids(job))
    except hopeless as error:
        _end(job, "failed", str(error))
    except Exception as error:
        if job.attempts >= MAX_ATTEMPTS:
            _end(job, "failed", f"Given up after {job.attempts} attempts: {type(error).__name__}")
        else:
            save(job, lease_until=from_now(2**job.attempts))
        raise


def hold(job: Job) -> None:
    """Renews the lease. Raises LeaseLost."""
    save(job, lease_until=lease())


def save(job: Job, **changes: Any) -> None:
    """Writes, if the work is still ours. Raises LeaseLost."""
    table = type(job)
    ours = (table.id == job.id, table.claim == job.claim, table.state == "running")
    if table.update(**changes).where(*ours).execute():
        return
    if not table.select().where(*ours).exists():  # it counts changed rows: a lease may be the same
        raise LeaseLost(job.id)


def cancel(job: Job) -> bool:
    """Ends it now, whoever works on it; what is done stays done. False where it has ended already."""
    table = type(job)
    cancelled = table.update(state="cancelled", finished_at=now(), lease_until=None, claim=None)
    return bool(cancelled.where(table.id == job.id, table.state.in_(UNFINISHED)).execute())


def ids(job: Job) -> dict[str, Any]:
    """For the logs."""
    return {"team_id": job.team_id, "audience_id": job.audience_id, "job": f"{type(job).__name__} {job.id}"}


def _is_free(table: type[Job]) -> Any:
    return table.lease_until.is_null() | is_over("lease_until", longest=settings.lease_seconds)


def _end(job: Job, state: str, reason: str) -> None:
    save(job, state=state, reason=reason[:255], finished_at=now(), lease_until=None, claim=None)
    log.info("ended", extra=ids(job) | {"state": state, "reason": reason})
