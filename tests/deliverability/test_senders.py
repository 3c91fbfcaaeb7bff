"""Sender identities at a team's domains."""

from uuid import uuid4

import pytest

from sidecars.deliverability import domains, senders
from sidecars.deliverability.addresses import AddressError
from sidecars.models import Team


@pytest.fixture
def domain(team):
    return domains.create(team.id, f"{uuid4().hex[:12]}.example")


def test_a_sender_is_at_a_domain_of_the_team(team, domain):
    sender = senders.create(team.id, "Acme", f"Hello@{domain.name}", "Answers@people.example")
    assert (sender.address, sender.reply_to) == (f"hello@{domain.name}", "answers@people.example")
    assert sender.domain_id == domain.id


def test_another_teams_domain_is_foreign(domain):
    other = Team.create(name="Other")
    with pytest.raises(senders.ForeignDomain, match=domain.name):
        senders.create(other.id, "Acme", f"hello@{domain.name}")


def test_a_subdomain_is_another_domain(team, domain):
    with pytest.raises(senders.ForeignDomain):
        senders.create(team.id, "Acme", f"hello@sub.{domain.name}")


def test_an_address_is_one_sender(team, domain):
    senders.create(team.id, "Acme", f"hello@{domain.name}")
    with pytest.raises(senders.SenderExists):
        senders.create(team.id, "Acme again", f"HELLO@{domain.name}")


def test_reply_to_must_be_an_address(team, domain):
    with pytest.raises(AddressError):
        senders.create(team.id, "Acme", f"hello@{domain.name}", "nobody")
