"""Mails of no broadcast, as their senders ask for them: one submission, or lists of copies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from peewee import SQL

from sidecars.broadcasts.states import SendState
from sidecars.models import Email, EmailTag, Submission


@dataclass(frozen=True)
class Filter:
    """Which copies; None: any. Moments are with their time zone, `until` not included."""

    recipient: str | None = None
    tag: str | None = None
    state: SendState | None = None
    stream: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def find(team_id: int, submission_id: UUID) -> Submission | None:
    """The submission, if it is the team's."""
    found: Submission | None = Submission.get_or_none(
        Submission.id == submission_id, Submission.team == team_id
    )
    return found


def copies(submission: Submission) -> list[Email]:
    """One for each recipient, in the order in which they were named."""
    return list(Email.select().where(Email.submission == submission.id.hex).order_by(Email.id))


def page(team_id: int, before: int, limit: int, wanted: Filter) -> list[Email]:
    """The team's copies that came before the one of id `before` (0: all), the latest first."""
    return list(query(team_id, before, limit, wanted))


def query(team_id: int, before: int, limit: int, wanted: Filter) -> Any:
    """The same, to be asked. Each filter has an index in this order."""
    moment: Any = Email.created_at
    id_: Any = Email.id
    rows = Email.select()
    if wanted.tag is not None:
        moment, id_ = EmailTag.created_at, EmailTag.email_id
        rows = rows.join(EmailTag, on=(EmailTag.email_id == Email.id))
        rows = rows.where(EmailTag.team_id == team_id, EmailTag.tag == wanted.tag)
    else:
        rows = rows.where(Email.team == team_id)
    if before:
        last = Email.get_or_none(Email.id == before, Email.team == team_id)
        if last is None:
            return rows.where(SQL("FALSE"))
        rows = rows.where(moment <= last.created_at, (moment < last.created_at) | (id_ < before))
    fields = {Email.recipient: wanted.recipient, Email.state: wanted.state, Email.stream: wanted.stream}
    for field, value in fields.items():
        if value is not None:
            rows = rows.where(field == value)
    if wanted.since is not None:
        rows = rows.where(moment >= wanted.since)
    if wanted.until is not None:
        rows = rows.where(moment < wanted.until)
    return rows.order_by(moment.desc(), id_.desc()).limit(limit)
