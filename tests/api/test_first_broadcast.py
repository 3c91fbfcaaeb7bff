"""A newcomer's first broadcast, by HTTP alone, through every process: what docs/api.md tells."""

import io
import json
from uuid import uuid4

import pytest
import requests

from sidecars.accounts import keys
from sidecars.models import Team
from tests.support import wait_for

READERS = 300
BODY = (
    "<p>Hello {{ contact.first_name | default: 'friend' }} of {{ contact.properties.city }},"
    ' <a href="https://acme.example/spring">look</a>.</p><p><a href="{{ unsubscribe_url }}">Leave</a></p>'
)


@pytest.fixture(scope="module")
def api(everything):
    """Returns a caller of the API: method, path, then as requests has it."""
    ports = everything.ports
    key = keys.make(Team.create(name="Acme").id, "first").secret
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"

    def call(method, path, **options):
        url = f"http://127.0.0.1:{ports['web']}/v1{path}"
        response = session.request(method, url, timeout=30, **options)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    call.stream = lambda path: session.get(
        f"http://127.0.0.1:{ports['web']}/v1{path}",
        headers={"Accept": "text/event-stream"},
        stream=True,
        timeout=60,
    )
    call.simulator = f"http://127.0.0.1:{ports['simulator_http']}"
    return call


def test_a_first_broadcast_from_key_to_balanced_books(api):
    name = f"news.acme-{uuid4().hex[:8]}.example"
    domain = api("POST", "/domains", json={"name": name})
    for record in domain["records"]:
        published = {key: record[key] for key in ("type", "name", "value")}
        requests.post(f"{api.simulator}/dns/records", json=published, timeout=10).raise_for_status()
    assert api("POST", f"/domains/{domain['id']}/verify")["verified"] is True
    sender = api("POST", "/senders", json={"name": "Acme", "address": f"hello@{name}"})

    audience = api("POST", "/audiences", json={"name": "Readers"})
    rows = "".join(f"r{n}.{uuid4().hex[:6]}@inbox.example,R{n},Köln\n" for n in range(READERS))
    file = {"file": ("readers.csv", io.BytesIO(f"email,first name,city\n{rows}".encode()))}
    job = api("POST", f"/audiences/{audience['id']}/imports", files=file)
    done = wait_for(
        lambda: (found := api("GET", f"/imports/{job['id']}"))["state"] == "finished" and found, timeout=30
    )
    assert done["rows_created"] == READERS

    draft = api(
        "POST",
        "/broadcasts",
        json={
            "name": "Spring",
            "audience_id": audience["id"],
            "sender_id": sender["id"],
            "subject": "Spring, {{ contact.first_name }}",
            "body": BODY,
        },
    )
    address = f"/broadcasts/{draft['id']}"
    assert api("POST", f"{address}/validate") == {"valid": True, "errors": []}
    contact = api("GET", f"/audiences/{audience['id']}/contacts?limit=1")["data"][0]
    preview = api("POST", f"{address}/preview", json={"contact_id": contact["id"]})
    assert (preview["subject"], "of Köln" in preview["html"]) == ("Spring, R0", True)
    api("POST", f"{address}/publish")

    states = []
    with api.stream(f"{address}/progress") as stream:
        for line in stream.iter_lines(decode_unicode=True):
            if line.startswith("data: "):
                states.append(json.loads(line.removeprefix("data: "))["state"])
    assert states[-1] == "sent"

    books = wait_for(
        lambda: (
            (found := api("GET", f"{address}/ledger"))["balanced"]
            and found["states"]["delivered"] + found["states"]["bounced"] > READERS / 2
            and found
        ),
        timeout=60,
        interval=0.5,
    )
    assert books["planned_total"] == books["sum"] == READERS
    mail = api("GET", f"{address}/messages?state=delivered&limit=1")["data"][0]
    story = wait_for(
        lambda: (found := api("GET", f"/messages/{mail['message_id']}"))["timeline"] and found, timeout=30
    )
    delivered = next(event for event in story["timeline"] if event["type"] == "delivered")
    assert delivered["conversation"]
    report = api("GET", f"{address}/report")
    assert report["planned_total"] == READERS
    assert report["states"]["delivered"] > 0
