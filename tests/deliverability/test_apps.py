"""What teams' apps are told of domains and suppressions."""

from datetime import timedelta
from uuid import uuid4

from sidecars.deliverability import domains
from sidecars.deliverability.domain_records import records
from sidecars.deliverability.suppressions import suppress
from sidecars.models import now
from tests.listening import listen, told


def test_apps_are_told_when_a_domain_is_verified_and_when_it_breaks(team, publish, withdraw):
    endpoint = listen(team.id, "transactional")  # it is of both streams
    domain = domains.create(team.id, f"news.acme-{uuid4().hex[:12]}.example")
    for record in records(domain):
        publish(record.type, record.name, record.value)
    for _ in range(2):
        domains.verify(domain.id)
    withdraw(records(domain)[1].name)
    domains.verify(domain.id)
    ((verified, good), (broken, bad)) = told(endpoint)
    assert (verified, good) == (
        "domain.verified",
        {"domain_id": f"dom_{domain.id}", "domain": domain.name, "state": "verified", "faults": []},
    )
    assert (broken, bad["state"], len(bad["faults"])) == ("domain.broken", "failing", 1)


def test_apps_are_told_of_an_address_that_is_suppressed_and_of_one_that_is_for_longer(team):
    everything, broadcasts = listen(team.id), listen(team.id, "broadcast")
    soon = now() + timedelta(days=1)
    for _ in range(2):
        suppress(team.id, "Full@people.example", "mailbox_full", expires_at=soon)
    suppress(team.id, "full@people.example", "hard_bounce", detail="550 gone")
    suppress(team.id, "paid@people.example", "manual", stream="transactional")
    found = [(data["address"], data["reason"], data["stream"]) for _, data in told(everything)]
    assert found == [
        ("full@people.example", "mailbox_full", "all"),
        ("full@people.example", "hard_bounce", "all"),
        ("paid@people.example", "manual", "transactional"),
    ]
    assert len(told(broadcasts)) == 2
