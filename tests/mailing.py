"""A broadcast that an edge has accepted, for tests of what is heard of its mails afterwards."""

from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sidecars import names
from sidecars.broadcasts.states import SendState
from sidecars.edge.messages import Attribution
from sidecars.edge.store import redis
from sidecars.models import (
    Audience,
    Broadcast,
    Contact,
    Content,
    Link,
    Send,
    SenderIdentity,
    SendingDomain,
    Team,
    Variant,
    database,
    now,
)

_numbers = count(1)
LINKS = (
    "https://shop.example/spring",
    "https://shop.example/?who={{ contact.email }}",
    "https://shop.example/a",
)


@dataclass(frozen=True)
class Mail:
    """One recipient's."""

    message_id: UUID
    email: str
    whose: Attribution

    def send(self) -> Any:
        """Its row in the ledger, as it is now."""
        with database.connection_context():
            return Send.get(Send.message_id == self.message_id)

    def contact(self) -> Any:
        """Its contact, as it is now."""
        with database.connection_context():
            return Contact.get_by_id(self.whose.contact_id)

    def forget_in_redis(self) -> None:
        """As if a week had passed."""
        redis.delete(names.message_key(self.message_id))


@dataclass(frozen=True)
class Mailing:
    """A team's broadcast and its mails, all accepted by edge 1."""

    team_id: int
    broadcast_id: int
    variant_id: int
    mails: list[Mail]


def mailing(recipients: int, links: tuple[str, ...] = LINKS) -> Mailing:
    """Rows for a new broadcast of a new team, to person0@…, person1@…"""
    number = next(_numbers)
    domain_name = f"{uuid4().hex[:12]}.example"
    with database.connection_context(), database.atomic():
        team = Team.create(name=f"Team {number}")
        domain = SendingDomain.create(
            team=team,
            name=domain_name,
            dkim_selector="kb",
            dkim_private_key="sealed",
            dkim_public_key="public",
            return_path=f"kb.{domain_name}",
        )
        sender = SenderIdentity.create(team=team, domain=domain, name="News", address=f"news@{domain_name}")
        audience = Audience.create(team=team, name="Everyone")
        Contact.insert_many(
            {
                "audience": audience,
                "email": f"person{i}@people.example",
                "first_name": f"Person {i}",
                "subscribed_at": now(),
            }
            for i in range(recipients)
        ).execute()
        broadcast = Broadcast.create(team=team, audience=audience, sender=sender, name="Spring", state="sent")
        content = Content.create(team=team, kind="html", subject="Spring", body="<p>Spring</p>")
        variant = Variant.create(broadcast=broadcast, content=content)
        Link.insert_many({"variant": variant, "idx": i, "url": url} for i, url in enumerate(links)).execute()
        contacts = Contact.select().where(Contact.audience == audience).order_by(Contact.id)
        mails = [
            Mail(uuid4(), contact.email, Attribution(team.id, broadcast.id, contact.id, variant.id))
            for contact in contacts
        ]
        if mails:
            Send.insert_many(
                {
                    "broadcast_id": broadcast.id,
                    "contact_id": mail.whose.contact_id,
                    "team_id": team.id,
                    "variant_id": variant.id,
                    "message_id": mail.message_id,
                    "state": SendState.ACCEPTED,
                    "edge": 1,
                }
                for mail in mails
            ).execute()
    return Mailing(team.id, broadcast.id, variant.id, mails)
