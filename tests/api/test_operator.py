"""/operator: lanes, sources, policies and warm-up, for whoever has OPERATOR_TOKEN."""

import re
from datetime import timedelta

import pytest
from pydantic import SecretStr

from sidecars import names
from sidecars.api.operator import access
from sidecars.api.shapes import cursor_of
from sidecars.deliverability import warmup_plans
from sidecars.edge.store import redis
from sidecars.settings import settings
from tests.lanes import forget_lanes, records, tell

SOURCE = {"name": "out-1", "address": "192.0.2.10", "helo": "out-1.mail.example"}


@pytest.fixture(autouse=True)
def _clean(app):
    forget_lanes()
    yield
    forget_lanes()


@pytest.fixture
def ada(app):
    """An operator by the name of Ada."""

    class Operator:
        def __getattr__(self, method):
            def call(path, **options):
                headers = {
                    "Authorization": f"Bearer {settings.operator_token.get_secret_value()}",
                    "X-Operator": "ada",
                }
                return getattr(app.test_client(), method)(f"/operator{path}", headers=headers, **options)

            return call

    return Operator()


@pytest.fixture(scope="module")
def operations(app):
    """(method, path, operation) of each address below /operator."""
    document = app.test_client().get("/openapi.json").json
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        if not path.startswith("/v1/")
        for method, operation in methods.items()
    ]


def test_every_address_is_the_operators_and_described(operations):
    assert len(operations) > 12
    for method, path, operation in operations:
        assert path.startswith("/operator/"), path
        assert operation["security"] == [{"operator_token": []}], (method, path)
        assert operation["summary"], (method, path)
        assert operation["tags"][0].startswith("Operator: ")


def test_nothing_is_answered_without_the_token(operations, nobody, acme):
    for method, path, operation in operations:
        place = path.replace("{name}", "out-1").replace("{provider}", "google").replace("{source}", "out-1")
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        options = {} if body is None else {"json": body}
        for response in (
            getattr(nobody, method)(place, **options),
            # A team's key opens none of it.
            getattr(acme, method)(place, **options),
            getattr(nobody, method)(place, headers={"Authorization": "Basic x"}, **options),
        ):
            assert response.status_code == 401, (method, path)
            assert "OPERATOR_TOKEN" in response.json["message"]
    assert redis.exists(names.SOURCES_KEY) == 0


def test_the_operators_token_is_no_teams_key(nobody):
    headers = {"Authorization": f"Bearer {settings.operator_token.get_secret_value()}"}
    assert nobody.get("/v1/domains", headers=headers).status_code == 401


@pytest.mark.parametrize("token", ["", "short"])
def test_without_a_token_of_some_length_it_is_off(nobody, monkeypatch, token):
    changed = settings.model_copy(update={"operator_token": SecretStr(token)})
    monkeypatch.setattr(access, "settings", changed)
    response = nobody.get("/operator/lanes", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert "Set OPERATOR_TOKEN" in response.json["message"]


def test_unknown_fields_are_refused_by_name(operations, ada, fields):
    for method, path, operation in operations:
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            body = content["application/json"]["example"] | {"surprise": 1}
            place = re.sub(r"\{\w+\}", "1", path.removeprefix("/operator"))
            assert "surprise" in fields(getattr(ada, method)(place, json=body)), (method, path)


def test_a_teams_limit_is_set_and_noted(ada, acme):
    path = f"/teams/{acme.team.id}"
    assert ada.put(path, json={"recipients_an_hour": 5000}).json["recipients_an_hour"] == 5000
    listed = ada.get(f"/teams?cursor={cursor_of(acme.team.id - 1)}&limit=1").json["data"]
    assert [(team["id"], team["recipients_an_hour"]) for team in listed] == [(acme.team.id, 5000)]
    assert ada.get("/actions").json["data"][0]["action"] == "limit team"
    assert ada.put("/teams/4000000000", json={"recipients_an_hour": None}).status_code == 404


def test_lanes_are_read_as_edges_tell_of_them(ada):
    assert ada.get("/lanes").json == {"data": []}
    tell("edge-1", {"waiting": 1})
    tell("edge-2", {"waiting": 2})
    (lane,) = ada.get("/lanes").json["data"]
    assert (lane["source"], lane["provider"], lane["waiting"]) == ("out-1", "google", 3)
    assert lane["edges"] == ["edge-1", "edge-2"]
    assert lane["last_replies"][0]["code"] == 250


def test_a_lane_is_held_and_let_go(ada):
    tell("edge-1", {"waiting": 12})
    body = {"action": "pause", "source": "*", "provider": "Google", "reason": "421 storm"}
    done = ada.post("/controls", json=body)
    assert done.status_code == 200
    assert "no mail begins" in done.json["effect"]
    (held,) = ada.get("/controls").json["data"]
    assert (held["provider"], held["action"], held["placed_by"]) == ("google", "pause", "ada")
    assert records(names.LANE_CONTROLS_KEY)["*|google"]["reason"] == "421 storm"
    again = {"action": "resume", "source": "*", "provider": "google", "reason": "over"}
    assert ada.post("/controls", json=again).status_code == 200
    assert ada.get("/controls").json["data"] == []
    missing = ada.post("/controls", json=again)
    assert (missing.status_code, missing.json["state"]) == (409, "not held")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"source": "out-9"}, 404),
        ({"provider": "goo gle"}, 422),
        ({"reason": ""}, 422),
        ({"action": "x"}, 422),
    ],
)
def test_what_cannot_be_held_is_refused(ada, change, status):
    body = {"action": "pause", "source": "*", "provider": "google", "reason": "x"} | change
    assert ada.post("/controls", json=body).status_code == status
    assert ada.get("/controls").json["data"] == []


def test_a_source_is_made_changed_and_removed(ada):
    made = ada.post("/sources", json=SOURCE)
    assert made.status_code == 201
    assert made.json == SOURCE | {
        "edge": None,
        "pools": ["send", "engage"],
        "team_id": None,
        "state": "active",
        "created_at": made.json["created_at"],
    }
    assert records(names.SOURCES_KEY)["out-1"]["helo"] == "out-1.mail.example"
    assert ada.get("/sources/out-1").json == made.json
    assert ada.get("/sources").json["data"] == [made.json]
    changed = ada.patch("/sources/out-1", json={"helo": None, "edge": "edge-1"})
    assert (changed.json["helo"], changed.json["edge"], changed.json["address"]) == (
        None,
        "edge-1",
        "192.0.2.10",
    )
    assert ada.delete("/sources/out-1").status_code == 204
    assert ada.get("/sources/out-1").status_code == 404
    assert redis.exists(names.SOURCES_KEY) == 0


def test_sources_that_cannot_be_are_refused(ada, fields):
    ada.post("/sources", json=SOURCE)
    assert ada.post("/sources", json=SOURCE).json["state"] == "exists"
    assert fields(ada.post("/sources", json={"name": "b", "address": "192.0.2.999"})) == ["address"]
    assert fields(ada.post("/sources", json={"name": "b", "pools": ["bulk"]})) == ["pools.0"]
    assert fields(ada.patch("/sources/out-1", json={"state": "gone"})) == ["state"]
    needed = ada.patch("/sources/out-1", json={"pools": ["send"]})
    assert (needed.status_code, needed.json["state"]) == (409, "needed")
    assert "engage" in needed.json["message"]
    for method in ("patch", "delete"):
        options = {"json": {}} if method == "patch" else {}
        assert getattr(ada, method)("/sources/nowhere", **options).status_code == 404


def test_a_policy_is_put_and_taken_back(ada, fields):
    put = ada.put("/policies/google", json={"connections": 5})
    assert (put.status_code, put.json["connections"], put.json["per_minute"]) == (200, 5, None)
    assert records(names.LANE_POLICIES_KEY)["google"]["connections"] == 5
    assert ada.put("/policies/*", json={"per_minute": 60}).json["provider"] == "*"
    assert [each["provider"] for each in ada.get("/policies").json["data"]] == ["*", "google"]
    assert ada.delete("/policies/google").status_code == 204
    assert ada.delete("/policies/google").status_code == 404
    assert fields(ada.put("/policies/google", json={"connections": 0})) == ["connections"]
    assert fields(ada.put("/policies/a|b", json={})) == ["provider"]


def test_a_warm_up_is_planned_tried_applied_and_ended(ada):
    ada.post("/sources", json=SOURCE)
    wish = {"per_day": 2000, "mix": {"google": 100}, "start": "2025-03-10"}
    plan = ada.post("/warmup/plan", json=wish).json
    assert plan["days"][0] == {"day": "2025-03-10", "mails": 480, "surplus": 1520}
    assert plan["series"][0]["why"] == "begins"

    tried = ada.post("/warmup/apply", json=wish).json
    assert (tried["applied"], tried["plan"]) == (False, plan)
    assert tried["changes"][0]["before"] is None
    assert ada.get("/warmup").json["data"] == []

    applied = ada.post("/warmup/apply", json=wish | {"dry_run": False, "surplus": "overflow"}).json
    assert (applied["applied"], applied["changes"]) == (True, tried["changes"])
    assert records(names.warmup_key("out-1"))["google"]["days"]["2025-03-10"] == 480
    (in_use,) = ada.get("/warmup").json["data"]
    assert (in_use["source"], in_use["ceiling"], in_use["surplus"]) == ("out-1", None, "overflow")

    assert ada.delete("/warmup/out-1").status_code == 204
    assert ada.get("/warmup").json["data"] == []
    assert ada.delete("/warmup/out-9").status_code == 404


def test_todays_use_of_a_plan_is_shown(ada):
    ada.post("/sources", json=SOURCE)
    body = {"per_day": 2000, "mix": {"google": 100}, "dry_run": False}
    ada.post("/warmup/apply", json=body)
    today = warmup_plans.today()
    redis.set(names.lane_used_key("out-1", "google", f"{today:%Y%m%d}"), 77, ex=60)
    (in_use,) = ada.get("/warmup").json["data"]
    assert (in_use["ceiling"], in_use["used"], in_use["last_ceiling"]) == (480, 77, 2000)
    assert in_use["last_day"] > (today + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({"per_day": 0}, "per_day"),
        ({"mix": {"google": 120}}, ""),
        ({"subnet": "192.0.2.9/29"}, ""),
        ({"sources": ["out-9"]}, "sources"),
        ({"sources": ["out-1"], "subnet": "192.0.2.8/29"}, "subnet"),
        ({"start": 5}, "start"),
        ({"start": "tomorrow"}, "start"),
    ],
)
def test_what_cannot_be_planned_is_refused(ada, fields, wish, place):
    ada.post("/sources", json=SOURCE)
    body = {"per_day": 1000, "mix": {"google": 100}} | wish
    assert fields(ada.post("/warmup/plan", json=body)) == [place]


def test_a_plan_for_a_subnet_needs_its_sources_to_be_applied(ada, fields):
    wish = {"per_day": 1000, "mix": {"google": 100}, "subnet": "192.0.2.8/29"}
    assert len(ada.post("/warmup/plan", json=wish).json["series"]) == 5
    assert fields(ada.post("/warmup/apply", json=wish)) == ["subnet"]


def test_who_did_what_is_listed_the_newest_first(ada):
    ada.post("/sources", json=SOURCE)
    ada.put("/policies/google", json={"connections": 5})
    hold = {"action": "drain", "source": "out-1", "provider": "*", "reason": "listed"}
    ada.post("/controls", json=hold)
    page = ada.get("/actions?limit=2").json
    assert [each["action"] for each in page["data"]] == ["drain lane", "put policy"]
    assert (page["data"][0]["operator"], page["data"][0]["detail"]) == ("ada", {"reason": "listed"})
    rest = ada.get(f"/actions?limit=2&cursor={page['next_cursor']}").json
    assert [each["action"] for each in rest["data"]] == ["create source"]
    assert rest["next_cursor"] is None
