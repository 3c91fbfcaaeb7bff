"""What operators say of lanes, a lane being mail of one source to one provider; and what they did."""

from __future__ import annotations

from peewee import CharField, ForeignKeyField, IntegerField, JSONField

from sidecars.models.accounts import Team
from sidecars.models.database import BaseModel, UtcDateTimeField, now


class Source(BaseModel):
    """An address that mail leaves from.

    `address` null: the one that the system takes; `helo` null: the edge's own name; `edge` null: any edge;
    `team` null: for teams without a source of their own. `pools`: `send` (transactional), `engage`
    (broadcasts), or both. `state`: `active` or `off`.
    """

    name = CharField(64, unique=True)
    address = CharField(45, null=True, unique=True)
    helo = CharField(253, null=True)
    edge = CharField(64, null=True)
    pools = JSONField(default=list)
    team = ForeignKeyField(Team, backref="sources", null=True)
    team_id: IntegerField[int | None]
    state = CharField(8)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "sources"


class LanePolicy(BaseModel):
    """Limits of each lane to `provider` (`*`: to whoever has no policy); null: what the edge knows itself."""

    provider = CharField(253, unique=True)
    connections = IntegerField(null=True)
    mails_per_connection = IntegerField(null=True)
    per_minute = IntegerField(null=True)
    per_day = IntegerField(null=True)
    updated_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "lane_policies"


class LaneControl(BaseModel):
    """A lane that is held: `pause` or `drain`, why and by whom. `source` and `provider` may be `*`."""

    source = CharField(64)
    provider = CharField(253)
    action = CharField(8)
    reason = CharField(500)
    placed_by = CharField(120)
    placed_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "lane_controls"
        indexes = ((("source", "provider"), True),)


class Warmup(BaseModel):
    """A warm-up plan in use. `days`: ISO date in UTC → most mails of that day; `provider` `*`: all others.

    `surplus`: what becomes of more mail than that, `wait` or `overflow` to other sources of the pool.
    """

    source = ForeignKeyField(Source, backref="warmups", on_delete="CASCADE")
    source_id: IntegerField[int]
    provider = CharField(253)
    surplus = CharField(8)
    days = JSONField(default=dict)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "warmups"
        indexes = ((("source", "provider"), True),)


class OperatorAction(BaseModel):
    """Who did what to the lanes, and when."""

    operator = CharField(120)
    action = CharField(40)
    target = CharField(400)
    detail = JSONField(default=dict)
    at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "operator_actions"
