"""Sending domains that go: what goes with them, what stays, and what keeps them."""

from datetime import timedelta
from uuid import uuid4

import peewee
import pytest

from sidecars import names
from sidecars.broadcasts import control
from sidecars.broadcasts.publish import publish, validate
from sidecars.broadcasts.states import SendState
from sidecars.deliverability import domain_removal, domains, senders
from sidecars.deliverability.domain_removal import DomainInUse
from sidecars.edge.records import write_domain
from sidecars.edge.store import redis
from sidecars.models import Broadcast, Send, SenderIdentity, SendingDomain, now
from tests.sending import make_cancelled, make_draft, make_people, make_team


@pytest.fixture
def team(stack):
    made = make_team()
    write_domain(made.domain.id)
    return made


def test_a_domain_that_is_removed_goes_from_the_edge_and_its_history_stays(stack):
    broadcast = make_cancelled(2, days=1)
    sender, domain = broadcast.sender, broadcast.sender.domain
    unused = senders.create(broadcast.team_id, "Unused", f"unused@{domain.name}")
    draft = Broadcast.create(team=broadcast.team, audience=broadcast.audience, sender=sender, name="Draft")
    write_domain(domain.id)

    domain_removal.remove(domain.id)

    assert not redis.exists(names.domain_key(domain.name))
    assert redis.hget(names.team_key(broadcast.team_id), "domains") == ""
    assert SenderIdentity.get_or_none(SenderIdentity.id == unused.id) is None
    assert Broadcast.get_by_id(broadcast.id).sender.address == sender.address
    assert Send.select().where(Send.broadcast_id == broadcast.id).count() == 2
    assert "was removed: choose another sender" in validate(draft.id)[0].message
    with pytest.raises(peewee.DoesNotExist):
        domains.verify(domain.id)

    again = domains.create(broadcast.team_id, domain.name)
    assert senders.create(broadcast.team_id, "News", sender.address).id == sender.id
    assert Broadcast.get_by_id(broadcast.id).sender.domain_id == again.id


def test_broadcasts_on_their_way_keep_a_domain(team):
    broadcast = publish(make_draft(team, make_people(team, 1).audience).id)
    for hold in (lambda: None, lambda: control.pause(broadcast.id)):
        hold()
        with pytest.raises(DomainInUse, match=rf'{broadcast.id} \("Spring"\)'):
            domain_removal.remove(team.domain.id)
    control.cancel(broadcast.id)
    domain_removal.remove(team.domain.id)


def test_mail_that_an_edge_still_has_to_sign_keeps_a_domain(team):
    broadcast = make_draft(team, make_people(team, 1).audience, state="sent", finished_at=now())
    row = {"broadcast_id": broadcast.id, "contact_id": 1, "team_id": team.id, "message_id": uuid4()}
    Send.create(**row, state=SendState.ACCEPTED)
    with pytest.raises(DomainInUse):
        domain_removal.remove(team.domain.id)
    Broadcast.update(finished_at=now() - timedelta(days=15)).where(Broadcast.id == broadcast.id).execute()
    domain_removal.remove(team.domain.id)
    assert SendingDomain.get_or_none(SendingDomain.id == team.domain.id) is None
