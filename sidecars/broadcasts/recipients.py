"""Whom a broadcast goes to, as conditions on `contacts` (as `c`).

Publishing freezes the segment's filter and the exclusions, and all that has to do with time is as of that
moment: planning chooses the same people whenever it goes on.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sidecars.audiences.properties import declared
from sidecars.audiences.segments import store
from sidecars.audiences.segments.compiler import Sql
from sidecars.audiences.segments.language import VERSION, FilterError, Json, Known, read
from sidecars.audiences.segments.people import in_sql
from sidecars.broadcasts.states import Reason
from sidecars.deliverability.erased import erased_among
from sidecars.models import Broadcast, ErasedAddress, database, now
from sidecars.models.audiences import SUBSCRIBED
from sidecars.models.suppressions import PAUSE

# The Reason not to write to a contact of the list, or 0. Reads this moment; `team` is SQL for the team's id.
# `suppressions.is_suppressed` is the same rule in Python.
UNWANTED = f"""COALESCE((
    SELECT MIN(IF(x.reason = '{PAUSE}', {Reason.PAUSED:d}, {Reason.SUPPRESSED:d})) FROM suppressions x
     WHERE x.team_id = {{team}} AND x.email = c.email AND x.stream IN ('all', 'broadcast')
       AND (x.expires_at IS NULL OR x.expires_at > %s)), {Reason.NONE:d})"""


# What `left_out` says of those who are not in the segment, or are excluded.
NOT_IN_SEGMENT = "not_in_segment"
EXCLUDED = "excluded"
INVALID = "invalid"
CHUNK = 10_000


class UnsupportedFilter(ValueError):
    """The segment or the exclusions speak of what there is no more; its text says of what."""


@dataclass(frozen=True)
class Forecast:
    """`recipients` would get the broadcast now; the other contacts of the audience are `left_out`, by reason.

    The first that holds: unsubscribed or pending; not_in_segment; excluded; suppressed or paused; invalid, as
    the address was erased.
    """

    recipients: int
    left_out: dict[str, int]


def choice(broadcast: Broadcast) -> Json:
    """`{"segment": filter or null, "excluded": [filter, …]}`: frozen, or as they are now.

    Raises UnsupportedFilter.
    """
    if broadcast.choice is not None:
        return dict(broadcast.choice)
    segment = broadcast.segment
    return {
        "version": VERSION,
        "segment": segment.filter if segment else None,
        "excluded": _excluded(broadcast),
    }


def _excluded(broadcast: Broadcast) -> list[Json]:
    said = broadcast.exclusions or {}
    segments = store.of_audience(broadcast.audience_id, said.get("segments", ()))
    if len(segments) < len(set(said.get("segments", ()))):
        raise UnsupportedFilter("a segment that it leaves out was deleted")
    return [
        *(segment.filter for segment in segments.values()),
        *({"tag": name} for name in said.get("tags", ())),
        *({"recipient_of": f"bc_{number}"} for number in said.get("broadcasts", ())),
    ]


def chosen(broadcast: Broadcast) -> Sql:
    """The condition that a contact is subscribed, in the audience and segment, not excluded; its parameters.

    Raises UnsupportedFilter, and what `engagement.set_as_of` raises where ClickHouse is away.
    """
    segment, excluded = conditions(broadcast)
    return (
        f"c.audience_id = %s AND c.status = %s AND {segment[0]} AND NOT {excluded[0]}",
        [broadcast.audience_id, SUBSCRIBED, *segment[1], *excluded[1]],
    )


def conditions(broadcast: Broadcast) -> tuple[Sql, Sql]:
    """That a contact is in the segment, and that it is excluded. Raises as `chosen`."""
    said = choice(broadcast)
    excluded = [_sql(broadcast, each) for each in said["excluded"]]
    return (
        _sql(broadcast, said["segment"]) if said["segment"] else ("TRUE", []),
        (
            f"({' OR '.join(['FALSE', *(sql for sql, _ in excluded)])})",
            [value for _, values in excluded for value in values],
        ),
    )


def _sql(broadcast: Broadcast, given: Json) -> Sql:
    audience, published = broadcast.audience, broadcast.published_at
    try:
        condition = read(given, Known(declared(audience.id)))
    except FilterError as error:
        raise UnsupportedFilter(str(error)) from error
    return in_sql(audience, condition, published or now(), exactly=published is not None)


def unwanted_parameters(broadcast: Broadcast) -> list[Any]:
    """What UNWANTED reads."""
    return [broadcast.team_id, now().replace(tzinfo=None)]


def any_chosen(broadcast: Broadcast) -> bool:
    """Is there anyone to write to? Raises UnsupportedFilter."""
    condition, parameters = chosen(broadcast)
    cursor = database.execute_sql(f"SELECT 1 FROM contacts c WHERE {condition} LIMIT 1", parameters)
    return cursor.fetchone() is not None


def chosen_and_wanted(broadcast: Broadcast) -> int:
    """How many planning would write down now to be sent. Raises as `chosen`."""
    condition, parameters = chosen(broadcast)
    row = database.execute_sql(
        f"""SELECT COUNT(*) FROM contacts c WHERE {condition} AND {UNWANTED.format(team="%s")} = 0""",
        [*parameters, *unwanted_parameters(broadcast)],
    ).fetchone()
    return int(row[0])


def forecast(broadcast: Broadcast) -> Forecast:
    """What planning would do now; one pass over the audience. Raises as `chosen`."""
    segment, excluded = conditions(broadcast)
    rows = database.execute_sql(
        f"""SELECT reason, COUNT(*) FROM (
                SELECT CASE WHEN c.status <> %s THEN c.status
                            WHEN NOT {segment[0]} THEN %s WHEN {excluded[0]} THEN %s
                            ELSE {UNWANTED.format(team="%s")} END AS reason
                  FROM contacts c WHERE c.audience_id = %s) AS everyone
             GROUP BY reason""",
        [
            *(SUBSCRIBED, *segment[1], NOT_IN_SEGMENT, *excluded[1], EXCLUDED),
            *unwanted_parameters(broadcast),
            broadcast.audience_id,
        ],
    )
    codes = {str(int(code)): code.name.lower() for code in Reason}
    found = Counter({codes.get(str(reason), str(reason)): int(people) for reason, people in rows.fetchall()})
    recipients = found.pop(Reason.NONE.name.lower(), 0)
    invalid = erased(broadcast, *chosen(broadcast)).total()
    left_out = +(found + Counter({INVALID: invalid}))
    return Forecast(recipients - invalid, dict(sorted(left_out.items())))


def erased(broadcast: Broadcast, condition: str, parameters: list[Any]) -> Counter[str]:
    """Addresses that the team erased and was given again, by domain; sending skips them."""
    found: Counter[str] = Counter()
    if not ErasedAddress.select().where(ErasedAddress.team == broadcast.team_id).exists():
        return found
    for emails in _emails(broadcast, condition, parameters):
        found.update(email.rpartition("@")[2] for email in erased_among(broadcast.team_id, emails))
    return found


def _emails(broadcast: Broadcast, condition: str, parameters: list[Any]) -> Iterator[list[str]]:
    last = 0
    while rows := database.execute_sql(
        f"""SELECT c.id, c.email FROM contacts c
             WHERE {condition} AND {UNWANTED.format(team="%s")} = 0 AND c.id > %s
             ORDER BY c.id LIMIT %s""",
        [*parameters, *unwanted_parameters(broadcast), last, CHUNK],
    ).fetchall():
        last = rows[-1][0]
        yield [email for _, email in rows]
