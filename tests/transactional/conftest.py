"""A team whose domain the edge knows, and the whole way of a mail from an app to the simulator."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import requests

PROCESSES = ("simulator", "smtp", "webhook", "enricher", "fanout", "web")
# So that what a killed worker held comes up again soon.
SETTINGS = {"LEASE_SECONDS": "3"}


class App:
    """A program that sends by HTTP with a key of its team."""

    def __init__(self, stack: Any, team: Any) -> None:
        from sidecars.accounts import keys

        self.sender = f"Orders <orders@{team.domain.name}>"
        self._url = f"http://127.0.0.1:{stack.ports['web']}/v1"
        self._headers = {"Authorization": f"Bearer {keys.make(team.id, 'app').secret}"}
        self._session = requests.Session()

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = self._headers | options.pop("headers", {})
        return self._session.request(method, self._url + path, headers=headers, timeout=60, **options)

    def send(self, to: Any, key: str | None = None, **fields: Any) -> requests.Response:
        """A mail that says little, where `fields` say nothing else."""
        body = {"from": self.sender, "to": to, "subject": "Your order", "text": "On its way."} | fields
        return self("POST", "/emails", json=body, headers={"Idempotency-Key": key} if key else {})


@pytest.fixture(scope="package")
def running(stack: Any) -> Iterator[Any]:
    """Every process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        stack.stop_processes("fanout", "web")
        stack.start_processes(*PROCESSES)
        yield stack
        stack.stop_processes(*PROCESSES)


@pytest.fixture(autouse=True)
def connection(stack: Any) -> Iterator[None]:
    """A connection for the test."""
    from sidecars.models import database

    with database.connection_context():
        yield


@pytest.fixture
def team(stack: Any) -> Any:
    """One with a verified domain, known to the edge."""
    from sidecars.edge import records
    from tests.sending import make_team

    made = make_team()
    records.write_domain(made.domain.id)
    return made


@pytest.fixture
def app(running: Any, team: Any) -> App:
    """A program of the team."""
    running.start_processes(*PROCESSES)
    return App(running, team)


@pytest.fixture
def received(running: Any) -> Callable[[str], Counter[UUID]]:
    """`received(domain)`: how often each mail that ends in it was taken by its server."""
    url = f"http://127.0.0.1:{running.ports['simulator_http']}/receipts.ndjson"

    def mails(ending: str) -> Counter[UUID]:
        facts = map(json.loads, requests.get(url, timeout=30).text.splitlines())
        taken = [fact for fact in facts if fact["kind"] == "accepted" and fact["recipient"].endswith(ending)]
        return Counter(UUID(fact["message_id"]) for fact in taken)

    return mails


@pytest.fixture
def raw(running: Any) -> Callable[[str], bytes]:
    """`raw(msg_…)`: the mail as its server got it."""
    url = f"http://127.0.0.1:{running.ports['simulator_http']}/mails"

    def mail(message_id: str) -> bytes:
        query = {"message_id": str(UUID(message_id.removeprefix("msg_")))}
        (found,) = requests.get(url, params=query, timeout=30).json()["mails"]
        return requests.get(f"{url}/{found['id']}/raw", timeout=30).content

    return mail
