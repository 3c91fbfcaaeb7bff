"""/v1/keys."""

import pytest

from sidecars.accounts.secret_tokens import digest
from sidecars.api.ids import number
from sidecars.edge.store import redis
from sidecars.models import ApiKey, now
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


def test_a_key_has_the_permissions_that_it_was_given_and_makes_none_with_more(acme, fields):
    few = ["audiences:read", "keys:write"]
    made = acme.post("/v1/keys", json={"name": "few", "scopes": few}).json
    assert made["scopes"] == few
    few_only = as_caller(acme, made["secret"])
    assert acme.get("/v1/audiences", **few_only).status_code == 200
    assert "audiences:write" in acme.post("/v1/audiences", json={"name": "x"}, **few_only).json["message"]
    assert acme.get("/v1/me", **few_only).json["permissions"] == few
    for more in ({}, {"send_only": True}, {"scopes": ["keys:read"]}):
        assert fields(acme.post("/v1/keys", json={"name": "x"} | more, **few_only)) == ["scopes"]
    assert acme.post("/v1/keys", json={"name": "x", "scopes": few}, **few_only).status_code == 201


def test_words_that_are_no_permission_of_keys_are_refused(acme, fields):
    for wrong in ("audiences", "members:write", "everything"):
        assert fields(acme.post("/v1/keys", json={"name": "x", "scopes": [wrong]})) == ["scopes.0"]
    both = {"name": "x", "scopes": ["audiences:read"], "send_only": True}
    assert fields(acme.post("/v1/keys", json=both)) == [""]


def test_a_key_ends_when_it_was_to(acme, fields):
    past = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    assert fields(acme.post("/v1/keys", json=past)) == [""]
    soon = {"name": "x", "expires_at": "2990-01-01T00:00:00Z"}
    made = acme.post("/v1/keys", json=soon).json
    assert made["expires_at"] == "2990-01-01T00:00:00.000Z"
    assert acme.get("/v1/me", **as_caller(acme, made["secret"])).status_code == 200
    ApiKey.update(expires_at=now()).where(ApiKey.id == number(made["id"])).execute()
    ended = acme.get("/v1/me", **as_caller(acme, made["secret"]))
    assert ended.status_code == 401
    assert "expired" in ended.json["message"]


def test_the_edge_knows_the_keys_that_may_submit_and_when_they_end(acme):
    def known(**limits):
        made = acme.post("/v1/keys", json={"name": "x"} | limits).json
        return redis.hget(team_key(acme.team.id), f"key:{digest(made['secret']).hex()}"), number(made["id"])

    assert known(scopes=["audiences:read"])[0] is None
    assert known(scopes=["emails:send"])[0] is not None
    words, key_id = known(expires_at="2990-01-01T00:00:00Z")
    assert words == f"{key_id} expires:32188147200"
