"""How long filters take over a large audience, on services of its own.

    python -m bench.segments [--rows 1000000]

Contacts with properties, a tag on every tenth, and five broadcasts that all of them received; a fifth of the
mails was opened, a thirtieth clicked. A filter's people are counted, counted again (who engaged is in MySQL
then), a hundred are read from the middle, and those of the last filter are planned.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.setting import chosen, own_stack

BROADCASTS = 5
CITY: dict[str, Any] = {"property": "city", "op": "equals", "value": "Köln"}
FILTERS: dict[str, Any] = {
    "a property": CITY,
    "a list": {"property": "likes", "op": "contains_any", "value": ["tea"]},
    "a tag": {"tag": "vip"},
    "no click in 90 days": {"not": {"engagement": "clicked", "days": 90}},
    "opened any of the last 5": {"engagement": "opened", "last_broadcasts": 5},
    "received at least 3": {"engagement": "received", "at_least": 3},
    "property, no click": {"all": [CITY, {"not": {"engagement": "clicked", "days": 90}}]},
}


def main() -> None:
    """Prints a table; leaves nothing running and nothing behind."""
    rows = chosen(__doc__, "rows", 1_000_000)
    with own_stack():
        Console().print(measure(rows))


def measure(rows: int) -> Table:
    """Each filter, in this process."""
    # Only now, as settings are read when sidecars is imported.
    from sidecars.audiences.segments import people, store
    from sidecars.audiences.segments.language import read
    from sidecars.broadcasts.plan import plan
    from sidecars.models import Broadcast, Segment, database, now

    table = Table("Filter", "People", "Count", "again", "100 people", title=f"{rows:,} contacts; seconds")
    with database.connection_context():
        audience, sender = make(rows)
        for name, given in FILTERS.items():
            condition = read(given, store.known(audience))
            first, counted = timed(people.count, audience, condition)
            again, _ = timed(people.count, audience, condition)
            page, _ = timed(people.page, audience, condition, rows // 2, 100)
            table.add_row(name, f"{counted.contacts:,}", *(f"{each:.2f}" for each in (first, again, page)))
        broadcast = Broadcast.create(
            team=audience.team_id,
            audience=audience,
            segment=Segment.create(audience=audience, name=name, filter=given),
            sender=sender,
            name=name,
            state="planning",
            published_at=now(),
        )
        add_variant(broadcast)
        planned, _ = timed(plan, broadcast.id)
        total = Broadcast.get_by_id(broadcast.id).planned_total
        if total != counted.contacts:
            raise SystemExit(f"counted {counted.contacts}, planned {total}")
    table.caption = f"The last one was planned in {planned:.1f} s."
    return table


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Seconds by the clock, and what came of it."""
    began = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - began, result


def make(rows: int) -> tuple[Any, Any]:
    """The audience with its past, and a sender."""
    from sidecars.analytics.client import client
    from sidecars.audiences import contacts, properties
    from sidecars.models import Broadcast, Contact, SenderIdentity, Tag, Team, database, now

    team = Team.create(name="Bench")
    audience = contacts.create_audience(team.id, "Bench")
    sender = SenderIdentity.create(team=team, name="Bench", address="bench@news.example")
    properties.declare(audience.id, {"city": "text", "visits": "number", "likes": "list"})
    digits = "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION"
    digits += " SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
    places = len(str(rows - 1))
    numbers = ", ".join(f"{digits} d{place}" for place in range(places))
    number = " + ".join(f"d{place}.d * {10**place}" for place in range(places))
    database.execute_sql(
        f"""INSERT INTO contacts (audience_id, email, first_name, properties, status, subscribed_at,
                                  created_at, updated_at)
            SELECT %s, CONCAT('person', n, '@mail.example'), CONCAT('Person ', n),
                   JSON_OBJECT('city', ELT(1 + MOD(n, 5), 'Köln', 'Bonn', 'Ulm', 'Wien', 'Bern'), 'visits',
                               MOD(n, 100), 'likes', JSON_ARRAY(ELT(1 + MOD(n, 3), 'tea', 'coffee', 'milk'))),
                   'subscribed', NOW(3), NOW(3), NOW(3)
              FROM (SELECT {number} AS n FROM {numbers}) AS numbers WHERE n < %s""",  # noqa: S608
        [audience.id, rows],
    )
    tag = Tag.create(audience=audience, name="vip")
    database.execute_sql(
        "INSERT INTO contact_tags SELECT %s, id FROM contacts WHERE audience_id = %s AND MOD(id, 10) = 0",
        [tag.id, audience.id],
    )
    first = Contact.select(Contact.id).where(Contact.audience == audience).order_by(Contact.id).first().id
    for place in range(BROADCASTS):
        sent = now() - timedelta(days=10 * (place + 1))
        broadcast = Broadcast.create(
            team=team,
            audience=audience,
            sender=sender,
            name=f"Past {place}",
            state="sent",
            published_at=sent,
            planned_at=sent,
            finished_at=sent,
        )
        of_mail = {"team": team.id, "broadcast": broadcast.id, "first": first, "rows": rows, "at": sent}
        for event in EVENTS:
            client().execute(event, of_mail)
    return audience, sender


_COMMON = """SELECT generateUUIDv4(), {{at:DateTime64(3, 'UTC')}} + INTERVAL 1 HOUR, {{team:UInt32}},
    {{broadcast:UInt32}}, id, generateUUIDv4(), {more} FROM (
        SELECT {{first:UInt64}} + number AS id FROM numbers({{rows:UInt64}})
        WHERE cityHash64(number, {{broadcast:UInt32}}, '{what}') % {of} = 0)"""
_COLUMNS = "(event_id, occurred_at, team_id, broadcast_id, contact_id, message_id, {more})"
EVENTS = [
    f"INSERT INTO {table} {_COLUMNS.format(more=columns)} {_COMMON.format(more=values, what=table, of=of)}"
    for table, columns, values, of in (
        ("smtp_messages", "type, state", "'delivered', 'delivered'", 1),
        ("smtp_email_opens", "verdict", "'person'", 5),
        ("smtp_email_clicks", "type, verdict", "'click', 'person'", 30),
    )
]


def add_variant(broadcast: Any) -> None:
    """A mail for it, so that it can be planned."""
    from sidecars.models import Content, Variant

    content = Content.create(team=broadcast.team_id, kind="html", subject="Hello", body="<p>Hello</p>")
    Variant.create(broadcast=broadcast, content=content)


if __name__ == "__main__":
    main()
