"""The team of the comparison: a verified domain, readers, broadcasts. By the API, the readers apart."""

import time
from typing import Any

import requests

from bench.edge import letter, world
from infra.local.stack import Stack
from sidecars.api.ids import number
from sidecars.commands.demo.api import Api

INSERTED_AT_ONCE = 2000


class Sender:
    """A new team on a stack whose web, fanout and simulator run. The simulator is the DNS."""

    def __init__(self, stack: Stack) -> None:
        # Only now, as settings are read when sidecars is imported.
        from sidecars.accounts import keys
        from sidecars.models import Team, database

        self._dns = f"{stack.url('simulator_http')}/dns/records"
        with database.connection_context():
            self.team_id = int(Team.create(name="The Kettle").id)
            self.api_key = keys.make(self.team_id, "bench").secret
        self._api = Api(stack.url("web"), self.api_key)
        self._audiences: dict[int, str] = {}
        self._publish_the_world()
        self._sender_id = self._verified_sender()

    def publish(self, readers: int) -> tuple[int, float]:
        """Writes a broadcast to so many and publishes it; its id, and the moment before it was published."""
        draft = {
            "name": "Spring",
            "audience_id": self.audience(readers),
            "sender_id": self._sender_id,
            "subject": letter.SUBJECT,
            "body": letter.BODY,
            "text": letter.TEXT,
        }
        broadcast = self._api.post("/broadcasts", draft)["id"]
        started = time.time()
        self._api.post(f"/broadcasts/{broadcast}/publish")
        return number(broadcast), started

    def counts(self, broadcast_id: int) -> dict[str, int]:
        """The ledger's, by state."""
        counts: dict[str, int] = self._api.get(f"/broadcasts/bc_{broadcast_id}/progress")["counts"]
        return counts

    def delivered_rows(self, broadcast_id: int) -> int:
        """How many of its deliveries ClickHouse has."""
        from sidecars.analytics.client import client

        query = (
            "SELECT count() FROM smtp_messages "
            "WHERE team_id = {team:UInt32} AND broadcast_id = {broadcast:UInt32} AND type = 'delivered'"
        )
        rows = client().execute(query, {"team": self.team_id, "broadcast": broadcast_id})
        return int(rows[0][0])

    def audience(self, readers: int) -> str:
        """An audience of so many, made at its first use."""
        if readers not in self._audiences:
            audience = self._api.post("/audiences", {"name": f"{readers:,} readers"})["id"]
            insert_readers(number(audience), readers)
            self._audiences[readers] = audience
        return self._audiences[readers]

    def _verified_sender(self) -> str:
        domain = self._api.post("/domains", {"name": letter.DOMAIN})
        for record in domain["records"]:
            self._add_record(record["name"], record["type"], record["value"])
        self._api.post(f"/domains/{domain['id']}/verify")
        identity = {"name": letter.SENDER_NAME, "address": world.SENDER}
        return str(self._api.post("/senders", identity)["id"])

    def _publish_the_world(self) -> None:
        for domain, address in world.ADDRESSES.items():
            self._add_record(domain, "MX", f"10 {world.exchanger(domain)}.")
            self._add_record(world.exchanger(domain), "A", address)

    def _add_record(self, name: str, kind: str, value: str) -> None:
        record = {"name": name, "type": kind, "value": value}
        requests.post(self._dns, json=record, timeout=10).raise_for_status()


def insert_readers(audience: int, count: int) -> None:
    """Straight into MySQL: what an import costs is another benchmark's subject (bench/imports.py)."""
    from peewee import chunked

    from sidecars.models import Contact, database, now

    contacts: list[dict[str, Any]] = [
        {
            "audience": audience,
            "email": address,
            "first_name": world.first_name(address),
            "properties": {"city": letter.CITY, "plan": letter.PLAN},
            "subscribed_at": now(),
        }
        for address in world.readers(count)
    ]
    with database.connection_context(), database.atomic():
        for some in chunked(contacts, INSERTED_AT_ONCE):
            Contact.insert_many(some).execute()
