"""Who is in a segment: as SQL, counted, and a page of them. “Now” in a filter is the moment that is given."""

import time
from dataclasses import dataclass
from datetime import datetime

from sidecars.audiences import properties
from sidecars.audiences.segments.compiler import Scope, Sql, compiled
from sidecars.audiences.segments.engagement import set_as_of
from sidecars.audiences.segments.language import Condition
from sidecars.audiences.segments.store import condition_of
from sidecars.models import Audience, Contact, Segment, database, now
from sidecars.models.moments import from_now, is_over

# A count holds for MIN_SECONDS, or for TIMES what it took, so that counting takes a twentieth of the time.
MIN_SECONDS = 10
TIMES = 20
MAX_SECONDS = 3600
# Who counts is given this long, before another tries.
COUNTING_SECONDS = 120


@dataclass(frozen=True)
class Count:
    """How many contacts, of any status, and how many of them are subscribed; as of `at` (UTC)."""

    contacts: int
    subscribed: int
    at: datetime


def in_sql(audience: Audience, condition: Condition, at: datetime, exactly: bool = False) -> Sql:
    """The condition over the audience's rows of `contacts` (as `c`), to be used with `c.audience_id`.

    `at` and `exactly` as in `engagement.set_as_of`, which says what is raised, too.
    """
    scope = Scope(
        audience.id,
        properties.declared(audience.id),
        at,
        lambda asked: set_as_of(audience, asked, at, exactly),
    )
    return compiled(condition, scope)


def count(audience: Audience, condition: Condition) -> Count:
    """Counted now: one pass over the audience."""
    at = now()
    sql, values = in_sql(audience, condition, at)
    row = database.execute_sql(
        f"""SELECT COUNT(*), COALESCE(SUM(c.status = 'subscribed'), 0) FROM contacts c
             WHERE c.audience_id = %s AND {sql}""",
        [audience.id, *values],
    ).fetchone()
    return Count(int(row[0]), int(row[1]), at)


def page(audience: Audience, condition: Condition, after: int, limit: int) -> list[Contact]:
    """Contacts beyond id `after` that it holds for, in the order in which they came."""
    sql, values = in_sql(audience, condition, now())
    found = database.execute_sql(
        f"""SELECT c.id FROM contacts c
             WHERE c.audience_id = %s AND c.id > %s AND {sql} ORDER BY c.id LIMIT %s""",
        [audience.id, after, *values, limit],
    )
    ids = [row[0] for row in found.fetchall()]
    return list(Contact.select().where(Contact.id.in_(ids)).order_by(Contact.id))


def live_count(segment: Segment) -> Count:
    """The segment's count, as old as counting it is dear; of many who ask at once one counts.

    The others get the former count. Raises FilterError as `store.condition_of`.
    """
    due = is_over("recount_at", longest=MAX_SECONDS)
    is_mine = (
        Segment.update(recount_at=from_now(COUNTING_SECONDS))
        .where(Segment.id == segment.id, Segment.recount_at.is_null() | due)
        .execute()
    )
    if segment.counted_at and not is_mine:
        return Count(segment.contacts or 0, segment.subscribed or 0, segment.counted_at)
    begun = time.monotonic()
    counted = count(segment.audience, condition_of(segment))
    rest = min(MAX_SECONDS, max(MIN_SECONDS, TIMES * (time.monotonic() - begun)))
    Segment.update(
        contacts=counted.contacts,
        subscribed=counted.subscribed,
        counted_at=counted.at,
        recount_at=from_now(rest),
    ).where(Segment.id == segment.id, Segment.updated_at == segment.updated_at).execute()
    return counted
