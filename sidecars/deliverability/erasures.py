"""A person's wish to be forgotten (GDPR article 17): the address goes, and it stays suppressed."""

from dataclasses import dataclass

from sidecars.analytics.client import client
from sidecars.callbacks import deliveries
from sidecars.edge import suppressed
from sidecars.edge.suppressed import digest
from sidecars.models import (
    Audience,
    Contact,
    ContactTag,
    Email,
    ErasedAddress,
    SoftBounce,
    Suppression,
    SuppressionRemoval,
    database,
)
from sidecars.names import address_key

# ClickHouse rewrites the columns of what it has; it goes on doing so when it has answered.
FORGET = """
    ALTER TABLE smtp_messages UPDATE
        recipient = '', response = '', raw = '', conversation = [], tag = '', metadata = map()
    WHERE team_id = {team_id:UInt32} AND lowerUTF8(recipient) = {address:String}"""


@dataclass(frozen=True)
class Erased:
    """How many rows held the address: people in lists, and mails of no broadcast."""

    contacts: int
    mails: int


def erase(team_id: int, email: str) -> Erased:
    """Removes the address from all that the team has. It is never mailed again, also when it is added anew.

    The ledger's rows stay, which hold an id of nobody now. Kafka forgets by itself after its retention. May
    be done again: for what came in between, or where it failed half way.

    Raises clickhouse_driver.errors.Error or OSError where ClickHouse is away, and redis.RedisError;
    the address is suppressed all the same.
    """
    address = address_key(email)
    with database.atomic("READ COMMITTED"):
        ErasedAddress.insert(team=team_id, digest=digest(address)).on_conflict_ignore().execute()
        audiences = Audience.select(Audience.id).where(Audience.team == team_id)
        theirs = (Contact.audience.in_(audiences), Contact.email == address)
        ids = [contact.id for contact in Contact.select(Contact.id).where(*theirs)]
        ContactTag.delete().where(ContactTag.contact.in_(ids)).execute()
        contacts = Contact.delete().where(Contact.id.in_(ids)).execute()
        for model in (Suppression, SoftBounce, SuppressionRemoval):
            model.delete().where(model.team == team_id, model.email == address).execute()
        mails = (
            Email.update(recipient="", subject="")
            .where(Email.team == team_id, Email.recipient == address)
            .execute()
        )
    deliveries.forget(team_id, address)
    suppressed.write(team_id, [address])
    client().execute(FORGET, {"team_id": team_id, "address": address})
    return Erased(contacts, mails)
