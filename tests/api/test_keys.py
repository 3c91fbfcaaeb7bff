"""/v1/keys."""

import pytest

from sidecars.api.ids import number
from sidecars.edge.store import redis
from sidecars.names import team_key


def as_caller(caller, secret):
    return {"headers": {"Authorization": f"Bearer {secret}"}}


def test_a_key_is_told_once_and_listed_without_its_secret(acme):
    made = acme.post("/v1/keys", json={"name": "shop"}).json
    assert acme.get("/v1/me", **as_caller(acme, made["secret"])).status_code == 200
    listed = acme.get("/v1/keys")
    assert [key["name"] for key in listed.json["data"]] == ["tests", "shop"]
    assert made["secret"] not in listed.get_data(as_text=True)


@pytest.mark.parametrize("limit", [{"send_only": True}, {"stream": "transactional"}])
def test_a_limited_key_submits_mail_and_does_nothing_else(acme, limit):
    made = acme.post("/v1/keys", json={"name": "shop"} | limit).json
    assert made["send_only"] is True
    refused = acme.get("/v1/me", **as_caller(acme, made["secret"]))
    assert refused.status_code == 403
    assert "SMTP" in refused.json["message"]
    at_the_edge = redis.hgetall(team_key(acme.team.id)).values()
    assert any(key.startswith(f"{number(made['id'])} send_only") for key in at_the_edge)


def test_a_key_of_one_domain_wants_a_domain_of_the_team(acme, other, goods, fields):
    assert acme.post("/v1/keys", json={"name": "x", "domain": goods.domain.name}).status_code == 201
    assert fields(other.post("/v1/keys", json={"name": "x", "domain": goods.domain.name})) == ["domain"]


def test_a_revoked_key_is_refused_and_stays_in_the_list(acme):
    made = acme.post("/v1/keys", json={"name": "shop"}).json
    assert acme.delete(f"/v1/keys/{made['id']}").status_code == 204
    assert acme.get("/v1/me", **as_caller(acme, made["secret"])).status_code == 401
    assert acme.get("/v1/keys").json["data"][-1]["revoked_at"] is not None
    assert acme.delete(f"/v1/keys/{made['id']}").status_code == 404
