"""A team in the real database, and the simulator's DNS as the world's."""

import pytest
import requests

from sidecars.models import Team


@pytest.fixture
def team(stack):
    return Team.create(name="Acme")


@pytest.fixture(scope="session")
def simulator_url(stack):
    """Base URL of the simulator, which answers DNS on the port of DNS_SERVERS."""
    stack.start_processes("simulator")
    return f"http://127.0.0.1:{stack.ports['simulator_http']}"


@pytest.fixture
def publish(simulator_url):
    """Puts a record into the simulator's DNS."""

    def _publish(kind, name, value):
        record = {"type": kind, "name": name, "value": value}
        requests.post(f"{simulator_url}/dns/records", json=record, timeout=10).raise_for_status()

    return _publish


@pytest.fixture
def publish_zone(simulator_url):
    """Puts a zone file's records into the simulator's DNS."""

    def _publish_zone(text):
        requests.post(f"{simulator_url}/dns/zone", data=text.encode(), timeout=10).raise_for_status()

    return _publish_zone


@pytest.fixture
def withdraw(simulator_url):
    """Takes a name's records out of the simulator's DNS."""

    def _withdraw(name):
        requests.delete(f"{simulator_url}/dns/records", params={"name": name}, timeout=10).raise_for_status()

    return _withdraw
