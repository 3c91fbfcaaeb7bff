"""A stack of its own with every process, as these tests stop its parts; and a team that sends with it."""

import json
import smtplib
import ssl
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
import requests

from infra.local.config import TEST_STACKS
from infra.local.processes import PORTS
from infra.local.stack import Stack
from sidecars.api.ids import number
from sidecars.mail.tokens import make_token
from tests.support import wait_for

DOMAIN = "news.outages.example"
SIGN_UP = """
from sidecars.accounts import keys
from sidecars.models import Team, database
with database.connection_context():
    team = Team.create(name="Outages")
    print(team.id, keys.make(team.id, "tests").secret)
"""
BODY = '<p><a href="https://acme.example/">Look</a> <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'


class Site:
    """A running Kibamail, as its users see it."""

    def __init__(self, stack):
        self.stack = stack
        self.services = {service.name: service for service in stack.services}
        command = (sys.executable, "-c", SIGN_UP)
        made = subprocess.run(command, env=stack.env(), capture_output=True, text=True, check=True)
        self.team_id, self.key = made.stdout.split()
        domain = self.post("/domains", {"name": DOMAIN})
        for record in domain["records"]:
            published = {field: record[field] for field in ("name", "type", "value")}
            requests.post(f"{stack.url('simulator_http')}/dns/records", json=published, timeout=10)
        self.post(f"/domains/{domain['id']}/verify")
        self.sender_id = self.post("/senders", {"name": "News", "address": f"hi@{DOMAIN}"})["id"]
        self.audiences = 0

    def call(self, method, path, **options):
        """The API's answer, whatever it is."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return requests.request(
            method, f"{self.stack.url('web')}/v1{path}", headers=headers, timeout=30, **options
        )

    def operate(self, method, path, body=None):
        """A call of the operator's."""
        headers = {"Authorization": f"Bearer {self.stack.secrets['operator_token']}"}
        url = f"{self.stack.url('web')}/operator{path}"
        requests.request(method, url, headers=headers, json=body, timeout=30).raise_for_status()

    def get(self, path):
        answer = self.call("GET", path)
        answer.raise_for_status()
        return answer.json()

    def post(self, path, body=None):
        answer = self.call("POST", path, json=body)
        assert answer.ok, answer.text
        return answer.json()

    def publish(self, *outcomes):
        """A broadcast to one new reader an outcome, to one whose server takes every mail without; its id."""
        return self.publish_to(self.audience(*outcomes))

    def audience(self, *outcomes):
        """New readers, as those that `publish` writes to; its id."""
        self.audiences += 1
        audience = self.post("/audiences", {"name": f"Readers {self.audiences}"})["id"]
        for place, outcome in enumerate(outcomes or ("accept",)):
            email = f"{outcome}.{self.audiences}.{place}@outcome.example"
            self.post(f"/audiences/{audience}/contacts", {"email": email})
        return audience

    def publish_to(self, audience):
        """A broadcast to an audience; its id."""
        draft = {"audience_id": audience, "sender_id": self.sender_id, "subject": "Hi", "body": BODY}
        broadcast = self.post("/broadcasts", {"name": "News", "kind": "html", **draft})["id"]
        self.post(f"/broadcasts/{broadcast}/publish")
        return broadcast

    def counts(self, broadcast):
        """Its sends by state."""
        return self.get(f"/broadcasts/{broadcast}/progress")["counts"]

    def state(self, broadcast):
        """The state of its one send."""
        return next((state for state, number in self.counts(broadcast).items() if number), None)

    def received(self, broadcast):
        """When its mails were received, and by whom: (moment, recipient) in order."""
        query = {"broadcast_id": number(broadcast), "kind": "accepted"}
        answer = requests.get(f"{self.stack.url('simulator_http')}/receipts.ndjson", params=query, timeout=10)
        facts = map(json.loads, answer.text.splitlines())
        return [(datetime.fromisoformat(fact["at"]), fact["recipient"]) for fact in facts]

    def wait_for_state(self, broadcast, *states):
        wait_for(lambda: self.state(broadcast) in states, interval=0.2)

    def delivered(self):
        """Publishes, waits for the delivery, and returns (broadcast, token of its mail)."""
        broadcast = self.publish()
        self.wait_for_state(broadcast, "delivered")
        (mail,) = self.get(f"/broadcasts/{broadcast}/messages")["data"]
        mail_id = UUID(mail["message_id"].removeprefix("msg_"))
        return broadcast, make_token(mail_id, self.stack.secrets["token_secret"])

    def visit(self, path, method="GET"):
        """The status that a reader's program gets from the webhook receiver."""
        url = self.stack.url("webhook") + path
        form = {"List-Unsubscribe": "One-Click"} if method == "POST" else None
        return requests.request(method, url, data=form, allow_redirects=False, timeout=30).status_code

    def read(self, path):
        """A page of the webhook receiver."""
        return requests.get(self.stack.url("webhook") + path, timeout=30)

    def login(self):
        """The code of a login by SMTP."""
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP("127.0.0.1", self.stack.ports["smtp_submission"], timeout=30) as client:
            client.starttls(context=tls)
            try:
                return client.login(self.team_id, self.key)[0]
            except smtplib.SMTPAuthenticationError as error:
                return error.smtp_code


# So little that a small broadcast fills it.
LIMITS = {
    "SLICE_SIZE": 20,
    "KIBA_MAX_SPOOLED_MAILS": 100,
    "KIBA_MAX_EVENT_BACKLOG_BYTES": 65536,
    "KIBA_MAX_UNREAD_RECORDS": 2,
}


@pytest.fixture(scope="package")
def site():
    with tempfile.TemporaryDirectory(dir=TEST_STACKS) as home:
        stack = Stack.ephemeral(Path(home))
        try:
            stack.start_services()
            stack.prepare()
            with pytest.MonkeyPatch.context() as environment:
                for name, limit in LIMITS.items():
                    environment.setenv(name, str(limit))
                stack.start_processes(*PORTS)
                yield Site(stack)
        finally:
            stack.kill()
