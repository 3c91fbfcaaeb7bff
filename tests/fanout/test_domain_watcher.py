"""The thread that checks sending domains, against the simulator's DNS."""

import threading
from datetime import timedelta

import pytest
import requests
from prometheus_client import REGISTRY

from sidecars.broadcasts.publish import publish
from sidecars.deliverability import domain_schedule, domains
from sidecars.deliverability.domain_records import zone_file
from sidecars.fanout import domain_watcher
from sidecars.models import Broadcast, SendingDomain, database, now
from tests.sending import make_draft, make_people, make_team
from tests.support import wait_for


@pytest.fixture
def simulator_url(stack):
    stack.start_processes("simulator")
    # Whatever other tests left is not this one's to look at.
    SendingDomain.update(next_check_at=None).execute()
    return stack.url("simulator_http")


@pytest.fixture
def team(simulator_url):
    return make_team()


@pytest.fixture
def _watcher(simulator_url, monkeypatch):
    monkeypatch.setattr(domain_watcher, "LOOK_EVERY_SECONDS", 0.1)
    stopping = threading.Event()
    running = threading.Thread(target=domain_watcher.keep_watching, args=(stopping,))
    running.start()
    yield
    stopping.set()
    running.join()


def row_of(domain):
    return SendingDomain.get_by_id(domain.id)


def change(domain, **columns):
    SendingDomain.update(**columns).where(SendingDomain.id == domain.id).execute()


def publish_records(simulator_url, domain):
    requests.post(f"{simulator_url}/dns/zone", data=zone_file(domain), timeout=10).raise_for_status()


@pytest.mark.usefixtures("_watcher")
def test_a_domain_is_verified_by_itself_once_its_records_are_there(team, simulator_url):
    domain = domains.create(team.id, f"watched.{team.domain.name}")
    publish_records(simulator_url, domain)
    change(domain, next_check_at=now())
    wait_for(lambda: domains.state_of(row_of(domain)) == "verified")
    assert row_of(domain).next_check_at > now() + timedelta(hours=5)
    wait_for(lambda: REGISTRY.get_sample_value("kibamail_sending_domains", {"state": "verified"}) >= 1)


@pytest.mark.usefixtures("_watcher")
def test_an_old_key_is_rotated_by_itself(team, simulator_url):
    domain = domains.create(team.id, f"old.{team.domain.name}")
    publish_records(simulator_url, domain)
    change(domain, next_check_at=now(), created_at=now() - timedelta(days=181))
    wait_for(lambda: row_of(domain).dkim_selector == domain.next_selector)
    assert row_of(domain).previous_selector == domain.dkim_selector


def test_a_stopped_domain_pauses_what_is_being_sent_from_it(team):
    broadcast = make_draft(team, make_people(team, 2).audience)
    publish(broadcast.id)
    change(team.domain, failing_since=now() - timedelta(hours=80))
    domain_watcher.look_at(team.domain.id)
    assert domains.state_of(row_of(team.domain)) == "stopped"
    assert Broadcast.get_by_id(broadcast.id).state == "paused"


def test_a_domain_that_nobody_proved_for_a_month_is_forgotten(team):
    pending = domains.create(team.id, f"pending.{team.domain.name}")
    domain_watcher.look_at(pending.id)
    assert domains.state_of(row_of(pending)) == "pending"
    change(pending, created_at=now() - timedelta(days=31))
    change(team.domain, created_at=now() - timedelta(days=31), failing_since=now() - timedelta(days=31))
    for domain in (pending, team.domain, pending):
        domain_watcher.look_at(domain.id)
    assert [row.id for row in SendingDomain.select().where(SendingDomain.team == team.id)] == [team.domain.id]


def test_of_many_watchers_one_checks_a_domain(team):
    change(team.domain, next_check_at=now())
    taken = []

    def take():
        with database.connection_context():
            taken.append(domain_schedule.take_due())

    watchers = [threading.Thread(target=take) for _ in range(4)]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    assert [each for each in taken if each is not None] == [team.domain.id]
