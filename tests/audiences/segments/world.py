"""An audience with all that filters ask about, in the real MySQL and ClickHouse; and as plain data."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sidecars.analytics.client import client
from sidecars.models import (
    Audience,
    Broadcast,
    Contact,
    ContactTag,
    PropertyDefinition,
    Send,
    SenderIdentity,
    Tag,
    Team,
)

# The 28th of February in a year without a 29th.
AT = datetime(2027, 2, 28, 12, tzinfo=UTC)
KINDS = {"city": "text", "visits": "number", "born": "date", "member": "boolean", "likes": "list"}


@dataclass
class Person:
    """`events`: (opened, clicked, delivered or bounced; place in `broadcasts`; days ago; verdict)."""

    email: str
    first_name: str = ""
    last_name: str = ""
    properties: dict = field(default_factory=dict)
    tags: list = field(default_factory=list)
    status: str = "subscribed"
    subscribed_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    created_at: datetime = AT - timedelta(days=365)
    recipient_of: list = field(default_factory=list)
    events: list = field(default_factory=list)


@dataclass
class World:
    """`broadcasts`: how many days ago each was published, by its place (from 1)."""

    people: list
    broadcasts: dict
    audience: object = None
    ids: dict = field(default_factory=dict)
    contact_ids: dict = field(default_factory=dict)

    @property
    def tags(self):
        return sorted({tag for person in self.people for tag in person.tags} | {"unborne"})


def build(world):
    """Writes the world down, as one team's audience."""
    team = Team.create(name="Filters")
    sender = SenderIdentity.create(team=team, name="News", address=f"{uuid4().hex}@news.example")
    world.audience = audience = Audience.create(team=team, name=f"World {uuid4()}")
    PropertyDefinition.insert_many(
        [{"audience": audience, "name": name, "kind": kind} for name, kind in KINDS.items()]
    ).execute()
    for place, days in world.broadcasts.items():
        published = AT - timedelta(days=days)
        world.ids[place] = Broadcast.create(
            team=team,
            audience=audience,
            sender=sender,
            name=f"Number {place}",
            state="sent",
            published_at=published,
            planned_at=published,
            finished_at=published,
        ).id
    columns = ("email", "first_name", "last_name", "properties", "status")
    moments = ("subscribed_at", "unsubscribed_at", "created_at")
    Contact.insert_many(
        [
            {"audience": audience} | {name: getattr(person, name) for name in columns + moments}
            for person in world.people
        ]
    ).execute()
    world.contact_ids = {row.email: row.id for row in Contact.select().where(Contact.audience == audience)}
    for name in world.tags:
        tag = Tag.create(audience=audience, name=name)
        borne = [
            {"contact": world.contact_ids[each.email], "tag": tag}
            for each in world.people
            if name in each.tags
        ]
        if borne:
            ContactTag.insert_many(borne).execute()
    _write_ledger(world, team)
    _write_events(world, team)
    return world


def _write_ledger(world, team):
    rows = [
        {
            "broadcast_id": world.ids[place],
            "contact_id": world.contact_ids[person.email],
            "team_id": team.id,
            "message_id": uuid4(),
            "state": 4,
        }
        for person in world.people
        for place in person.recipient_of
    ]
    if rows:
        Send.insert_many(rows).execute()


def _write_events(world, team):
    tables = {"smtp_email_opens": [], "smtp_email_clicks": [], "smtp_messages": []}
    for person in world.people:
        for what, place, days, verdict in person.events:
            row = {
                "event_id": uuid4(),
                "occurred_at": AT - timedelta(days=days),
                "team_id": team.id,
                "broadcast_id": world.ids[place],
                "contact_id": world.contact_ids[person.email],
                "message_id": uuid4(),
                "processed_at": AT,
            }
            if what == "opened":
                tables["smtp_email_opens"].append(row | {"verdict": verdict})
            elif what == "clicked":
                tables["smtp_email_clicks"].append(row | {"verdict": verdict, "type": "click"})
            else:
                tables["smtp_messages"].append(row | {"state": what, "type": what})
    for table, rows in tables.items():
        if rows:
            twice = rows + rows[:3]  # an event may come twice
            client().execute(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES", twice)
