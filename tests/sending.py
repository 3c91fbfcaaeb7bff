"""A team that may send, with people to write to and broadcasts to write, for tests of their way out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sidecars.broadcasts.control import cancel
from sidecars.broadcasts.plan import plan
from sidecars.broadcasts.publish import publish
from sidecars.deliverability.seal import seal
from sidecars.models import (
    Audience,
    Broadcast,
    Contact,
    Content,
    SenderIdentity,
    SendingDomain,
    Team,
    Variant,
    now,
)

# The simulator's provider whose outcome is named in the address; without one it accepts.
PROVIDER = "outcome.example"


@dataclass(frozen=True)
class SendingTeam:
    """A team with a verified domain and a sender at it."""

    row: Any
    domain: Any
    sender: Any

    @property
    def id(self) -> int:
        """The team's."""
        return int(self.row.id)


@dataclass(frozen=True)
class People:
    """An audience and its contacts in the order of their ids."""

    audience: Any
    contacts: list[Any]


def make_team() -> SendingTeam:
    """Known to MySQL alone; `edge.records.write_domain` tells the edge."""
    team = Team.create(name="Sending")
    name = f"sending-{uuid4().hex[:12]}.example"
    domain = SendingDomain.create(
        team=team,
        name=name,
        dkim_selector="kb",
        dkim_private_key=_sealed_key(),
        dkim_public_key="unpublished",
        return_path=f"kb.{name}",
        verified_at=now(),
    )
    return SendingTeam(
        team, domain, SenderIdentity.create(team=team, domain=domain, name="News", address=f"news@{name}")
    )


def make_people(team: SendingTeam, n: int, outcome: str = "accept") -> People:
    """n subscribed contacts, accept.person0@outcome.example and so on."""
    audience = Audience.create(team=team.row, name=f"Audience {uuid4()}")
    people = [
        {
            "audience": audience,
            "email": f"{outcome}.person{i}@{PROVIDER}",
            "first_name": f"Person {i}",
            "subscribed_at": now(),
        }
        for i in range(n)
    ]
    if people:
        Contact.insert_many(people).execute()
    contacts = Contact.select().where(Contact.audience == audience).order_by(Contact.id)
    return People(audience, list(contacts))


def make_draft(team: SendingTeam, audience: Any, weights: Sequence[int] = (100,), **fields: Any) -> Any:
    """A broadcast with one variant a weight."""
    broadcast = Broadcast.create(
        team=team.row, audience=audience, sender=team.sender, name="Spring", **fields
    )
    for weight in weights:
        content = Content.create(
            team=team.row,
            kind="html",
            subject="Hello {{ contact.first_name }}",
            body='<p>Hello</p><p><a href="https://shop.example/spring">Spring</a></p>',
        )
        Variant.create(broadcast=broadcast, content=content, weight=weight)
    return broadcast


def make_cancelled(n: int, days: int) -> Any:
    """A broadcast to n people that was cancelled so many days ago, before a mail had left."""
    team = make_team()
    broadcast = publish(make_draft(team, make_people(team, n).audience).id)
    plan(broadcast.id)
    cancel(broadcast.id)
    Broadcast.update(finished_at=now() - timedelta(days=days)).where(Broadcast.id == broadcast.id).execute()
    return Broadcast.get_by_id(broadcast.id)


@cache
def _sealed_key() -> str:
    """One for all domains of a run: a key takes a while to make."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return seal(pem)
