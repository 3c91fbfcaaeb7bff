"""What holds for every answer: an error's fields, what changed since it was read, whose pages may ask."""

import re
from pathlib import Path

import pytest

from sidecars.api import origins
from sidecars.api.errors import PROBLEMS
from sidecars.settings import settings
from tests.api.conftest import PROBLEM

DASHBOARD = "https://app.acme.example"


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/v1/audiences/aud_999999999", 404, "not_found"),
        ("/v1/nothing", 404, "not_found"),
        ("/v1/audiences?limit=0", 422, "invalid"),
    ],
)
def test_an_error_has_the_fields_of_rfc_9457_beside_its_message(acme, path, status, kind):
    answer = acme.get(path, headers={"X-Request-ID": "trace-0123456789"})
    told = {name: answer.json[name] for name in PROBLEM}
    assert answer.content_type == "application/json"
    assert told == {
        "type": kind,
        "title": PROBLEMS[status].title,
        "status": status,
        "detail": answer.json["message"],
        "instance": "trace-0123456789",
    }


def test_who_is_not_known_and_a_wrong_method_are_told_the_same_way(nobody, acme):
    assert nobody.get("/v1/me").json["type"] == "unauthenticated"
    assert acme.delete("/v1/audiences").json["type"] == "method_not_allowed"


def test_every_kind_of_error_is_in_the_page_of_the_api():
    page = (Path(__file__).parents[2] / "docs/api.md").read_text()
    for status, problem in PROBLEMS.items():
        assert re.search(rf"^\| {status} \| `{problem.type}` \|", page, re.MULTILINE), status


def test_who_has_the_newest_is_not_sent_it_again(acme, goods):
    address = f"/v1/audiences/{goods.ids.audience}"
    first = acme.get(address)
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in first.headers["Vary"]
    again = acme.get(address, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    acme.patch(address, json={"description": "New"})
    changed = acme.get(address, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json["description"]) == (200, "New")
    assert changed.headers["ETag"] != tag


def allow(monkeypatch, named):
    monkeypatch.setattr(origins, "settings", settings.model_copy(update={"kiba_cors_origins": named}))


def test_pages_of_a_named_origin_may_ask_and_read_what_answers_say_of_themselves(acme, nobody, monkeypatch):
    allow(monkeypatch, f"https://other.example {DASHBOARD}")
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
    before = nobody.options("/v1/audiences/aud_1", headers={"Origin": DASHBOARD, **asked})
    assert before.status_code == 204
    assert before.headers["Access-Control-Allow-Origin"] == DASHBOARD
    assert "PATCH" in before.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in before.headers["Access-Control-Allow-Headers"]
    for path in ("/v1/me", "/v1/nothing"):
        answer = acme.get(path, headers={"Origin": DASHBOARD})
        assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in answer.headers["Vary"]
        for name in ("X-Request-ID", "ETag", "RateLimit", "RateLimit-Policy", "Retry-After"):
            assert name in answer.headers["Access-Control-Expose-Headers"]


def test_pages_of_other_origins_may_not_and_of_any_only_by_key(acme, nobody, monkeypatch):
    for named in ("", "https://other.example"):
        allow(monkeypatch, named)
        assert "Access-Control-Allow-Origin" not in acme.get("/v1/me", headers={"Origin": DASHBOARD}).headers
        asked = {"Origin": DASHBOARD, "Access-Control-Request-Method": "GET"}
        assert "Access-Control-Allow-Origin" not in nobody.options("/v1/me", headers=asked).headers
    allow(monkeypatch, "*")
    answer = acme.get("/v1/me", headers={"Origin": DASHBOARD})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_cursor_is_opaque_and_one_of_elsewhere_is_refused_by_name(acme, fields):
    for name in ("A", "B"):
        acme.post("/v1/audiences", json={"name": name})
    cursor = acme.get("/v1/audiences?limit=1").json["next_cursor"]
    assert re.fullmatch(r"[\w-]+", cursor)
    assert not cursor.isdigit()
    assert [each["name"] for each in acme.get(f"/v1/audiences?cursor={cursor}").json["data"]] == ["B"]
    for wrong in ("12", "WyJhIl0", "W10", f"{cursor}x", "é", "=", ""):
        assert fields(acme.get("/v1/audiences", query_string={"cursor": wrong})) == ["cursor"]
