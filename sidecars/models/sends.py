"""The ledger: one row a recipient, and the slices by which workers take them.

Fixed-width columns with 0 for none, clustered by (broadcast, contact): a row never grows, and a slice
is a range of the primary key. Moments are whole seconds since 1970 in UTC, 0 for none.
A mail that belongs to no broadcast has `broadcast_id` 0 and the id of its `emails` row as `contact_id`.
"""

from __future__ import annotations

from peewee import (
    BigAutoField,
    BigIntegerField,
    BinaryUUIDField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    SmallIntegerField,
)

from sidecars.models.accounts import Team
from sidecars.models.broadcasts import Broadcast
from sidecars.models.database import BaseModel, UtcDateTimeField, now


class Edge(BaseModel):
    """An edge (Haraka with its spool) that ever answered; `sends.edge` is its id."""

    name = CharField(64, unique=True)

    class Meta:
        table_name = "edges"


class Send(BaseModel):
    """One recipient; `state` and `reason` are codes of `broadcasts/states.py`."""

    broadcast_id = IntegerField()
    contact_id = BigIntegerField()
    team_id = IntegerField()
    variant_id = IntegerField(default=0)
    message_id = BinaryUUIDField(unique=True)
    state = SmallIntegerField()
    reason = SmallIntegerField(default=0)
    attempts = SmallIntegerField(default=0)
    edge = IntegerField(default=0)
    accepted_at = BigIntegerField(default=0)
    settled_at = BigIntegerField(default=0)

    class Meta:
        table_name = "sends"
        primary_key = CompositeKey("broadcast_id", "contact_id")


class SendSlice(BaseModel):
    """The sends of a broadcast with contact ids lo to hi: `open`, `claimed` (until `lease_until`) or `done`.

    `claim` is the worker's own UUID for this hold; every write of the worker is conditional on it.
    """

    broadcast = ForeignKeyField(Broadcast, backref="slices")
    broadcast_id: IntegerField[int]
    lo = BigIntegerField()
    hi = BigIntegerField()
    n = IntegerField()
    state = CharField(8, default="open")
    attempts = SmallIntegerField(default=0)
    claim = BinaryUUIDField(null=True)
    lease_until = UtcDateTimeField(null=True)
    not_before = UtcDateTimeField(default=now)

    class Meta:
        table_name = "send_slices"
        primary_key = CompositeKey("broadcast", "lo")


class Email(BaseModel):
    """A mail of no broadcast: `source` is smtp, api, test or notice; `kind` is to, cc or bcc.

    `submission` is the same for all recipients of a mail that a team's program handed over, or of a notice
    (`notice-7`); else NULL. `state` is that of its row of `sends`, copied by whoever moves it.
    """

    id = BigAutoField()
    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    message_id = BinaryUUIDField(unique=True)
    submission = CharField(64, null=True)
    source = CharField(8)
    from_address = CharField(254)
    kind = CharField(3, default="to")
    recipient = CharField(254)
    subject = CharField(998, default="")
    stream = CharField(16, default="transactional")
    state = SmallIntegerField(default=1)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "emails"
