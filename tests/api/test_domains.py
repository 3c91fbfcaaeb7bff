"""/v1/domains and /v1/senders."""

from uuid import uuid4

import pytest
import requests


@pytest.fixture
def name():
    return f"{uuid4().hex[:12]}.example"


@pytest.fixture(scope="session")
def simulator_url(stack):
    stack.start_processes("simulator")
    return f"http://127.0.0.1:{stack.ports['simulator_http']}"


def test_a_domain_comes_with_the_records_to_publish(acme, name):
    made = acme.post("/v1/domains", json={"name": name.upper()})
    assert made.status_code == 201
    assert made.json["name"] == name
    assert made.json["return_path"] == f"kb.{name}"
    assert made.json["verified_at"] is None
    assert [(each["kind"], each["type"], each["required"]) for each in made.json["records"]] == [
        ("dkim", "TXT", True),
        ("return_path", "CNAME", True),
        ("dkim_next", "TXT", False),
        ("dmarc", "TXT", False),
    ]
    assert (made.json["state"], made.json["problems"]) == ("pending", [])
    assert "PRIVATE" not in str(made.json)
    assert acme.get(f"/v1/domains/{made.json['id']}").json == made.json
    assert [each["name"] for each in acme.get("/v1/domains").json["data"]] == [name]


def test_a_domain_is_registered_once_by_each_team(acme, other, name):
    for caller in (acme, other):
        assert caller.post("/v1/domains", json={"name": name}).status_code == 201
        again = caller.post("/v1/domains", json={"name": name})
        assert (again.status_code, again.json["state"]) == (409, "exists")


def test_a_domain_is_removed_unless_a_broadcast_is_on_its_way(acme, goods):
    address = f"/v1/domains/{goods.ids.domain}"
    acme.post(f"/v1/broadcasts/{goods.ids.broadcast}/publish")
    kept = acme.delete(address)
    assert (kept.status_code, kept.json["state"]) == (409, "in_use")
    assert f'{goods.broadcast.id} ("First")' in kept.json["message"]
    acme.post(f"/v1/broadcasts/{goods.ids.broadcast}/cancel")
    assert acme.delete(address).status_code == 204
    assert [acme.get(address).status_code, acme.delete(address).status_code] == [404, 404]
    assert acme.get(f"/v1/broadcasts/{goods.ids.broadcast}").json["sender_id"] == goods.ids.sender
    assert acme.get(f"/v1/broadcasts/{goods.ids.broadcast}/report").status_code == 200
    assert [each["domain_id"] for each in acme.get("/v1/senders").json["data"]] == [None]


@pytest.mark.parametrize("bad", ["", "acme", "a b.example", "192.0.2.1", 3, "x" * 300 + ".example"])
def test_a_name_must_be_a_domains(acme, fields, bad):
    assert fields(acme.post("/v1/domains", json={"name": bad})) == ["name"]


@pytest.fixture
def publish(simulator_url):
    """Puts all records of a domain, as the API tells them, into the simulator's DNS."""

    def _publish(domain):
        for record in domain["records"]:
            body = {key: record[key] for key in ("type", "name", "value")}
            requests.post(f"{simulator_url}/dns/records", json=body, timeout=10).raise_for_status()

    return _publish


def test_verifying_tells_each_records_state(acme, name, publish):
    domain = acme.post("/v1/domains", json={"name": name}).json
    before = acme.post(f"/v1/domains/{domain['id']}/verify")
    assert before.status_code == 200
    assert before.json["verified"] is False
    problems = {check["kind"]: check for check in before.json["checks"] if not check["ok"]}
    assert {"dkim", "return_path", "dkim_next", "dmarc"} <= set(problems)
    assert [each["kind"] for each in before.json["domain"]["problems"]] == list(problems)
    assert all(check["message"] for check in problems.values())
    publish(domain)
    after = acme.post(f"/v1/domains/{domain['id']}/verify").json
    assert after["verified"] is True
    assert after["domain"]["state"] == "verified"
    assert after["domain"]["verified_at"] == after["domain"]["checked_at"]
    assert all(check["ok"] for check in after["checks"] if check["record"])
    shown = acme.get(f"/v1/domains/{domain['id']}").json
    assert shown["verified_at"] is not None
    assert shown["problems"] == after["domain"]["problems"]


def test_the_key_is_rotated_once_the_next_one_is_seen(acme, name, publish):
    domain = acme.post("/v1/domains", json={"name": name}).json
    early = acme.post(f"/v1/domains/{domain['id']}/rotate")
    assert (early.status_code, early.json["state"]) == (409, "unseen")
    assert domain["next_selector"] in early.json["message"]
    publish(domain)
    rotated = acme.post(f"/v1/domains/{domain['id']}/rotate").json
    assert (rotated["dkim_selector"], rotated["previous_selector"]) == (
        domain["next_selector"],
        domain["dkim_selector"],
    )
    assert rotated["previous_needed_until"] is not None


def test_records_come_as_the_panel_wants_them(acme, name, simulator_url):
    domain = acme.post("/v1/domains", json={"name": f"news.{name}"}).json
    unknown = acme.get(f"/v1/domains/{domain['id']}/records").json
    assert (unknown["host"], unknown["zone"]) == (None, domain["name"])

    server = {"name": name, "type": "NS", "value": "ns-1536.awsdns-00.co.uk"}
    requests.post(f"{simulator_url}/dns/records", json=server, timeout=10).raise_for_status()
    found = acme.get(f"/v1/domains/{domain['id']}/records").json
    assert (found["host"]["key"], found["zone"]) == ("route53", name)
    dkim, back = found["records"][:2]
    assert dkim["name"] == f"{domain['dkim_selector']}._domainkey.news"
    first, second = dkim["value"].strip('"').split('" "')
    assert len(first) == 255
    assert first + second == domain["records"][0]["value"]
    assert (back["name"], back["value"]) == ("kb.news", "returns.kibamail.test")
    chosen = acme.get(f"/v1/domains/{domain['id']}/records?host=hetzner").json
    assert chosen["records"][1]["value"] == "returns.kibamail.test."


def test_an_unknown_panel_is_refused(acme, name, fields):
    domain = acme.post("/v1/domains", json={"name": name}).json
    assert fields(acme.get(f"/v1/domains/{domain['id']}/records?host=nobody")) == ["host"]


def test_the_zone_file_verifies_the_domain(acme, name, simulator_url):
    domain = acme.post("/v1/domains", json={"name": name}).json
    zone = acme.get(f"/v1/domains/{domain['id']}/zone")
    assert zone.content_type.startswith("text/dns")
    requests.post(f"{simulator_url}/dns/zone", data=zone.data, timeout=10).raise_for_status()
    assert acme.post(f"/v1/domains/{domain['id']}/verify").json["verified"] is True


def test_an_own_host_for_links_is_asked_for_and_given_up(acme, name, fields):
    domain = acme.post("/v1/domains", json={"name": name}).json
    changed = acme.patch(f"/v1/domains/{domain['id']}", json={"tracking_host": f"links.{name}"}).json
    assert changed["records"][-1] | {"purpose": ""} == {
        "kind": "tracking",
        "type": "CNAME",
        "name": f"links.{name}",
        "value": "links.kibamail.test",
        "purpose": "",
        "required": False,
    }
    assert acme.patch(f"/v1/domains/{domain['id']}", json={"ed25519": False}).json == changed
    refused = acme.patch(f"/v1/domains/{domain['id']}", json={"tracking_host": "elsewhere.example"})
    assert fields(refused) == ["tracking_host"]
    assert acme.patch(f"/v1/domains/{domain['id']}", json={"tracking_host": None}).json == domain


def test_a_second_signature_is_asked_for_and_given_up(acme, name):
    domain = acme.post("/v1/domains", json={"name": name}).json
    assert domain["ed25519_selector"] is None
    changed = acme.patch(f"/v1/domains/{domain['id']}", json={"ed25519": True})
    assert changed.status_code == 200
    assert changed.json["ed25519_verified_at"] is None
    record = changed.json["records"][-1]
    assert record["name"].startswith(changed.json["ed25519_selector"])
    assert "k=ed25519" in record["value"]
    assert acme.get(f"/v1/domains/{domain['id']}").json == changed.json
    again = acme.patch(f"/v1/domains/{domain['id']}", json={"ed25519": False})
    assert again.json == domain


def test_a_sender_is_made_and_listed(acme, goods):
    body = {"name": "Acme", "address": f"Hello@{goods.domain.name}", "reply_to": "answers@mail.example"}
    made = acme.post("/v1/senders", json=body)
    assert made.status_code == 201
    assert made.json["address"] == f"hello@{goods.domain.name}"
    assert made.json["domain_id"] == goods.ids.domain
    assert [each["id"] for each in acme.get("/v1/senders").json["data"]] == [
        goods.ids.sender,
        made.json["id"],
    ]
    assert acme.post("/v1/senders", json=body).status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"address": "news@elsewhere.example"}, "address"),
        ({"address": "news"}, "address"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"name": ""}, "name"),
        ({"name": "Acme\r\nBcc: x@y.example"}, "name"),
    ],
)
def test_a_sender_that_cannot_be_is_refused(acme, goods, fields, change, field):
    body = {"name": "Acme", "address": f"hello@{goods.domain.name}"} | change
    assert fields(acme.post("/v1/senders", json=body)) == [field]


def test_another_teams_domain_is_foreign(other, goods, fields):
    body = {"name": "Acme", "address": f"hello@{goods.domain.name}"}
    assert fields(other.post("/v1/senders", json=body)) == ["address"]
    assert other.get("/v1/senders").json["data"] == []
