"""GET /v1/me."""

from sidecars.accounts import keys
from sidecars.models import ApiKey


def test_it_tells_whose_key_this_is(acme):
    answer = acme.get("/v1/me").json
    assert (answer["team"]["id"], answer["team"]["name"]) == (f"team_{acme.team.id}", "Acme")
    assert answer["api_key"]["name"] == "tests"
    assert acme.key.startswith(answer["api_key"]["prefix"])
    assert acme.key not in str(answer)
    assert answer["api_key"]["last_used_at"].endswith("Z")


def test_a_revoked_key_is_told_so(acme):
    key = ApiKey.get(ApiKey.team == acme.team)
    keys.revoke(acme.team.id, key.id)
    response = acme.get("/v1/me")
    assert response.status_code == 401
    assert "revoked" in response.json["message"]


def test_other_schemes_are_not_taken(acme):
    for header in (
        f"Basic {acme.key}",
        acme.key,
        "Bearer",
        "Bearer ",
        f"Bearer {acme.key}x",
        "bearer nonsense",
    ):
        assert acme.get("/v1/me", headers={"Authorization": header}).status_code == 401


def test_the_scheme_may_be_spelled_in_any_case(acme):
    assert acme.get("/v1/me", headers={"Authorization": f"bearer  {acme.key} "}).status_code == 200
