"""Who changed what: written down once a change, read by administrators and by people of themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sidecars.models import AuditEntry

LONGEST = 64  # what the columns hold


def record(
    *,
    team_id: int | None,
    user_id: int | None,
    api_key_id: int | None,
    action: str,
    object_id: str,
    request_id: str,
    ip: str,
) -> None:
    """One row. `object_id` is what was changed, as the API names it (`aud_12`); empty where it has no id."""
    AuditEntry.create(
        team_id=team_id,
        user_id=user_id,
        api_key_id=api_key_id,
        action=action[:LONGEST],
        object=object_id[:LONGEST],
        request_id=request_id,
        ip=ip,
    )


def entries(
    whose: Any,
    before: int,
    limit: int,
    *,
    user_id: int | None = None,
    api_key_id: int | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[AuditEntry]:
    """The newest first, below id `before` (0: all). `whose` is of_team(…) or of_person(…)."""
    filters = [
        whose,
        None if not before else AuditEntry.id < before,
        None if user_id is None else AuditEntry.user_id == user_id,
        None if api_key_id is None else AuditEntry.api_key_id == api_key_id,
        None if action is None else AuditEntry.action == action,
        None if since is None else AuditEntry.at >= since,
        None if until is None else AuditEntry.at < until,
    ]
    asked = [each for each in filters if each is not None]
    return list(AuditEntry.select().where(*asked).order_by(AuditEntry.id.desc()).limit(limit))


def of_team(team_id: int) -> Any:
    """What was changed in the team."""
    return AuditEntry.team_id == team_id


def of_person(user_id: int) -> Any:
    """What the person changed, in any team or in none."""
    return AuditEntry.user_id == user_id
