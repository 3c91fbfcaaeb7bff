"""What became of a broadcast and of a mail, as ClickHouse knows it. The ledger knows what was planned.

Everything raises clickhouse_driver.errors.Error or OSError where ClickHouse does not answer.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sidecars.analytics.client import query
from sidecars.edge.messages import resolve

Rows = list[dict[str, Any]]


def broadcast_report(team_id: int, broadcast_id: int) -> dict[str, Any]:
    """Everything that a broadcast's page shows; all counts are mails unless they are called `total`.

    `delivered`, `bounced`, `unknown` (may have arrived), `cancelled` (by an edge that had it), `waiting` (an
    edge has it), `deferred` (at least once, whatever came after), `complaints`, `auto_replies`;
    `bounced_by_reason` {reason: mails};
    `unsubscribes` and `unsubscribed_by_method` {method: people}; `opens` and `clicks` {total, unique, people:
    {total, unique}, machines: {total}, by_verdict: {verdict: {total, unique}}}; lists of rows, as the queries
    of their names give them: `by_variant`, `by_hour` (hours in UTC), `by_provider`, `by_link`, `by_country`,
    `by_device`.
    """
    of_broadcast = {"team_id": team_id, "broadcast_id": broadcast_id}
    bounces = query("bounces_by_reason", **of_broadcast)
    left = query("unsubscribes", **of_broadcast)
    lists = ("by_variant", "by_hour", "by_provider", "by_link", "by_country", "by_device")
    return {
        **query("mails", **of_broadcast)[0],
        "bounced_by_reason": {row["reason"]: row["mails"] for row in bounces},
        "unsubscribes": sum(row["people"] for row in left),
        "unsubscribed_by_method": {row["method"]: row["people"] for row in left},
        "opens": _by_verdict(query("opens", **of_broadcast)),
        "clicks": _by_verdict(query("clicks", **of_broadcast)),
        **{name: query(name, **of_broadcast) for name in lists},
    }


def message_timeline(team_id: int, message_id: UUID) -> Rows:
    """Every event of one mail of the team, in order, with `event_id`, `type` and `occurred_at` (UTC).

    Types: accepted, delivered, deferred, bounced, unknown, cancelled, inbound (with `kind`), open, click,
    unsubscribe.
    Empty for a mail that the team does not have. Raises redis.RedisError or peewee.PeeweeException too.
    """
    whose = resolve([message_id]).get(message_id)
    if whose is None or whose.team_id != team_id:
        return []
    of_mail = {"team_id": team_id, "broadcast_id": whose.broadcast_id, "message_id": message_id}
    events = [
        event
        for name in ("timeline_mail", "timeline_opens", "timeline_clicks")
        for event in query(name, **of_mail)
    ]
    return sorted(events, key=lambda event: event["occurred_at"])


def contact_activity(
    team_id: int, contact_ids: Sequence[int], before: tuple[datetime, UUID] | None, limit: int
) -> Rows:
    """Up to `limit` events of the broadcasts' mails to a contact (by all its ids), newest first.

    Those before the moment (UTC) and event id of `before`, None: from the newest. `type` as in
    `message_timeline`; opens and clicks have a `verdict`.
    """
    moment, event_id = before or (datetime.max.replace(year=2200, tzinfo=UTC), UUID(int=0))
    return query(
        "contact_activity",
        team_id=team_id,
        contact_ids=list(contact_ids),
        before=f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}",
        before_event=event_id,
        most=limit,
    )


def final_states(team_id: int, broadcast_id: int) -> dict[UUID, str]:
    """`delivered`, `bounced`, `unknown`, `cancelled` or `accepted` (none yet) of each mail.

    Of those that an edge told of.
    """
    return {row["message_id"]: row["state"] for row in _of_broadcast("final_states", team_id, broadcast_id)}


def deferred(team_id: int, broadcast_id: int) -> set[UUID]:
    """The mails that were deferred at least once, whatever came after."""
    return {row["message_id"] for row in _of_broadcast("deferred", team_id, broadcast_id)}


def engagement(team_id: int, broadcast_id: int) -> dict[str, set[UUID]]:
    """The mails that were `opened`, `clicked` or `unsubscribed` by whomever, and those by people.

    Keys: opened, clicked, unsubscribed, opened_by_people, clicked_by_people.
    """
    mails: dict[str, set[UUID]] = defaultdict(set)
    for row in _of_broadcast("engagement", team_id, broadcast_id):
        mails[row["what"]].add(row["message_id"])
        if row["by_person"]:
            mails[f"{row['what']}_by_people"].add(row["message_id"])
    kinds = ("opened", "clicked", "unsubscribed", "opened_by_people", "clicked_by_people")
    return {kind: mails[kind] for kind in kinds}


def _of_broadcast(name: str, team_id: int, broadcast_id: int) -> Rows:
    return query(name, team_id=team_id, broadcast_id=broadcast_id)


def _by_verdict(rows: Rows) -> dict[str, Any]:
    counts = {row["verdict"]: {"total": row["total"], "unique": row["unique"]} for row in rows}
    nothing = {"total": 0, "unique": 0}
    everyone = counts.pop("", nothing)
    people = counts.get("person", nothing)
    return {
        **everyone,
        "people": people,
        "machines": {"total": everyone["total"] - people["total"]},
        "by_verdict": counts,
    }
