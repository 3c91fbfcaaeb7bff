"""Sessions of people: an opaque token told at login, of which SHA-256 alone is kept."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sidecars.accounts import secret_tokens
from sidecars.models import Session, User, now

PREFIX = "kbs_"
LIFE = timedelta(days=30)
# Nobody seen for so long is asked to log in again.
IDLE = timedelta(days=14)
SEEN_STEP = timedelta(minutes=5)
# What opens or shuts an account's doors wants somebody who logged in just now.
FRESH = timedelta(minutes=15)
LONGEST_AGENT = 255


@dataclass(frozen=True)
class NewSession:
    """A session just begun. `secret` exists here and nowhere else."""

    record: Session
    secret: str


def begin(user_id: int, user_agent: str, ip: str) -> NewSession:
    """Logs a person in, who has proved to be it."""
    Session.delete().where(Session.user == user_id, _is_over()).execute()
    secret = secret_tokens.make(PREFIX)
    record = Session.create(
        user=user_id,
        sha256=secret_tokens.digest(secret),
        user_agent=user_agent[:LONGEST_AGENT],
        ip=ip,
        expires_at=now() + LIFE,
    )
    return NewSession(record, secret)


def check(secret: str) -> Session | None:
    """The session with its `user`, or None where it never was or is over. Notes when it was seen."""
    found: Session | None = (
        Session.select(Session, User)
        .join(User)
        .where(Session.sha256 == secret_tokens.digest(secret), ~_is_over())
        .first()
    )
    if found is not None and found.last_seen_at <= now() - SEEN_STEP:
        Session.update(last_seen_at=now()).where(Session.id == found.id).execute()
    return found


def is_fresh(session: Session) -> bool:
    """Whether its person logged in just now."""
    return bool(session.created_at > now() - FRESH)


def of(user_id: int, after: int, limit: int) -> list[Session]:
    """The person's sessions that go on, in the order in which they began, beyond id `after`."""
    mine = Session.select().where(Session.user == user_id, ~_is_over(), Session.id > after)
    return list(mine.order_by(Session.id).limit(limit))


def end(user_id: int, session_id: int) -> bool:
    """Logs out there. False: the person has no such session."""
    return bool(Session.delete().where(Session.user == user_id, Session.id == session_id).execute())


def end_others(user_id: int, session_id: int | None = None) -> int:
    """Logs out everywhere else, everywhere without `session_id`; returns how many sessions that were."""
    mine = Session.delete().where(Session.user == user_id)
    return int((mine if session_id is None else mine.where(Session.id != session_id)).execute())


def _is_over() -> Any:
    return (Session.expires_at <= now()) | (Session.last_seen_at <= now() - IDLE)
