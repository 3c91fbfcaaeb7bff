"""Whom a broadcast goes to, as conditions on `contacts` (as `c`)."""

from typing import Any

from sidecars.broadcasts.states import Reason
from sidecars.models import Broadcast, Segment, database, now
from sidecars.models.suppressions import PAUSE

# The Reason not to write to a contact of the list, or 0. Reads this moment; `team` is SQL for the team's id.
# `suppressions.is_suppressed` is the same rule in Python.
UNWANTED = f"""COALESCE((
    SELECT MIN(IF(x.reason = '{PAUSE}', {Reason.PAUSED:d}, {Reason.SUPPRESSED:d})) FROM suppressions x
     WHERE x.team_id = {{team}} AND x.email = c.email AND x.stream IN ('all', 'broadcast')
       AND (x.expires_at IS NULL OR x.expires_at > %s)), {Reason.NONE:d})"""


class UnsupportedFilter(ValueError):
    """A segment's filter that this release cannot turn into SQL; its text says which ones it can."""


def chosen(broadcast: Broadcast) -> tuple[str, list[Any]]:
    """The condition that a contact is subscribed, in the audience and in the segment; and its parameters.

    Raises UnsupportedFilter.
    """
    condition = "c.audience_id = %s AND c.status = 'subscribed'"
    parameters: list[Any] = [broadcast.audience_id]
    if broadcast.segment is not None:
        condition += """ AND EXISTS (
            SELECT 1 FROM contact_tags ct JOIN tags t ON t.id = ct.tag_id
             WHERE ct.contact_id = c.id AND t.audience_id = %s AND t.name = %s)"""
        parameters += [broadcast.audience_id, _tag(broadcast.segment)]
    return condition, parameters


def unwanted_parameters(broadcast: Broadcast) -> list[Any]:
    """What UNWANTED reads."""
    return [broadcast.team_id, now().replace(tzinfo=None)]


def any_chosen(broadcast: Broadcast) -> bool:
    """Is there anyone to write to? Raises UnsupportedFilter."""
    condition, parameters = chosen(broadcast)
    cursor = database.execute_sql(f"SELECT 1 FROM contacts c WHERE {condition} LIMIT 1", parameters)
    return cursor.fetchone() is not None


def _tag(segment: Segment) -> str:
    match segment.filter:
        case {"tag": str(name), **others} if not others:
            return name
    raise UnsupportedFilter('only segments of one tag can be sent to: {"tag": "name"}')
