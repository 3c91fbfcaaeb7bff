"""What the database itself refuses, whatever the code above it does."""

from datetime import timedelta
from uuid import uuid4

import pytest
from peewee import DatabaseError, IntegrityError

from sidecars.models import (
    ApiKey,
    Audience,
    Broadcast,
    Contact,
    ContactImport,
    Content,
    Email,
    Link,
    Membership,
    PropertyDefinition,
    Send,
    SenderIdentity,
    SendingDomain,
    SendSlice,
    Suppression,
    Team,
    User,
    Variant,
    now,
)

# The server's own numbers: a duplicate, a missing row referred to, a value too long, a broken CHECK
# (MySQL's number and MariaDB's).
REFUSALS = {1062, 1452, 1406, 3819, 4025}


def send(rows, **values):
    row = {
        "broadcast_id": rows.broadcast.id,
        "contact_id": rows.contact.id,
        "team_id": rows.team.id,
        "message_id": rows.message_id,
        "state": 1,
    }
    return Send.insert(row | values).execute()


def domain(team, **values):
    key = {"dkim_selector": "a", "dkim_private_key": "a", "dkim_public_key": "a", "return_path": "a"}
    return SendingDomain.create(team=team, name="news.acme.example", **key, **values)


def slice_of(rows, **values):
    row = {"broadcast": rows.broadcast, "lo": 1, "hi": 500, "n": 500, "state": "open"}
    return SendSlice.insert(row | values).execute()


BAD = {
    "a team without a name": lambda rows: Team.create(name=""),
    "a user without an address": lambda rows: User.create(email="nobody", name="Nobody"),
    "a role that does not exist": lambda rows: Membership.insert(
        team=rows.team, user=User.create(email="a@b.example", name="A"), role="OWNER"
    ).execute(),
    "a key of no team": lambda rows: ApiKey.create(team=0, name="k", prefix="kb_", sha256=b"x" * 32),
    "a name that is verified for two teams": lambda rows: (
        domain(Team.create(name="One"), verified_at=now()),
        domain(Team.create(name="Other"), verified_at=now()),
    ),
    "a team's domain twice": lambda rows: domain(rows.team),
    "the same sender twice": lambda rows: SenderIdentity.create(
        team=rows.team, domain=rows.domain, name="Again", address="hi@news.acme.example"
    ),
    "two audiences of one name": lambda rows: Audience.create(team=rows.team, name="readers"),
    "the same address twice in an audience": lambda rows: Contact.create(
        audience=rows.audience, email="zoe@people.example"
    ),
    "a contact with an unknown status": lambda rows: Contact.create(
        audience=rows.audience, email="a@people.example", status="gone"
    ),
    "an unsubscribed contact without the moment": lambda rows: Contact.create(
        audience=rows.audience, email="a@people.example", status="unsubscribed"
    ),
    "an address of more than 254 octets": lambda rows: Contact.create(
        audience=rows.audience, email="a" * 254 + "@people.example"
    ),
    "a property of an unknown kind": lambda rows: PropertyDefinition.create(
        audience=rows.audience, name="size", kind="colour"
    ),
    "an import in an unknown state": lambda rows: ContactImport.create(
        team=rows.team, audience=rows.audience, filename="a.csv", storage_key="a", state="lost"
    ),
    "an import that counts more than it read": lambda rows: ContactImport.create(
        team=rows.team, audience=rows.audience, filename="a.csv", storage_key="a", rows_done=1, rows_created=2
    ),
    "content of an unknown kind": lambda rows: Content.create(
        team=rows.team, kind="word", subject="s", body="b"
    ),
    "a broadcast in an unknown state": lambda rows: Broadcast.update(state="lost").execute(),
    "a scheduled broadcast without its time": lambda rows: Broadcast.update(state="scheduled").execute(),
    "a variant for nobody": lambda rows: Variant.create(
        broadcast=rows.broadcast, content=rows.content, weight=0
    ),
    "a variant for more than all": lambda rows: Variant.create(
        broadcast=rows.broadcast, content=rows.content, weight=101
    ),
    "a link of no variant": lambda rows: Link.insert(variant=0, idx=0, url="https://a.example").execute(),
    "a suppression for an unknown reason": lambda rows: Suppression.create(
        team=rows.team, email="a@people.example", reason="mood"
    ),
    "a suppression of an unknown stream": lambda rows: Suppression.create(
        team=rows.team, email="a@people.example", reason="manual", stream="fax"
    ),
    "a send in a state outside the table": lambda rows: send(rows, state=10),
    "a send without a state": lambda rows: send(rows, state=0),
    "a slice that ends before it begins": lambda rows: slice_of(rows, lo=501),
    "a slice in an unknown state": lambda rows: slice_of(rows, state="lost"),
    "a claimed slice without a holder": lambda rows: slice_of(rows, state="claimed"),
    "a claimed slice without an end of its lease": lambda rows: slice_of(
        rows, state="claimed", claim=uuid4()
    ),
    "an open slice that somebody holds": lambda rows: slice_of(
        rows, claim=uuid4(), lease_until=now() + timedelta(minutes=2)
    ),
    "a mail from an unknown source": lambda rows: Email.create(
        team=rows.team,
        message_id=rows.message_id,
        source="fax",
        from_address="a@b.example",
        recipient="c@d.example",
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_the_database_refuses(bad, rows):
    with pytest.raises(DatabaseError) as refused:
        bad(rows)
    assert refused.value.args[0] in REFUSALS


def test_a_recipient_has_one_row_in_a_broadcast(rows):
    send(rows)
    with pytest.raises(IntegrityError):
        send(rows, message_id=uuid4())


def test_a_message_id_is_used_once(rows):
    send(rows)
    with pytest.raises(IntegrityError):
        send(rows, contact_id=rows.contact.id + 1)


def test_what_a_broadcast_refers_to_cannot_be_deleted(rows):
    for row in (rows.audience, rows.sender, rows.team):
        with pytest.raises(IntegrityError):
            row.delete_instance()


def test_addresses_that_differ_by_an_accent_are_two_people(rows):
    Contact.create(audience=rows.audience, email="jose@people.example")
    Contact.create(audience=rows.audience, email="josé@people.example")
    assert Contact.select().where(Contact.email == "jose@people.example").count() == 1
