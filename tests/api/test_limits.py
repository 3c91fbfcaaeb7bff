"""Requests are counted by the minute, for a key, a person or an address."""

import re
import time
from types import SimpleNamespace

import pytest

from sidecars.api import limits
from sidecars.names import requests_key
from sidecars.settings import settings

MINUTE = 30_000_000


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    """A minute of which 18 seconds have passed; nobody has asked in it."""
    at(monkeypatch, 18.5)
    for key in limits._counters.scan_iter(requests_key("*", MINUTE)):
        limits._counters.delete(key)


def at(monkeypatch, seconds):
    clock = SimpleNamespace(time=lambda: MINUTE * 60 + seconds, monotonic=time.monotonic)
    monkeypatch.setattr(limits, "time", clock)


def limit(monkeypatch, **values):
    monkeypatch.setattr(limits, "settings", settings.model_copy(update=values))


def test_an_answer_tells_what_is_left_and_too_many_are_refused_till_the_minute_ends(acme, monkeypatch):
    limit(monkeypatch, kiba_api_requests_a_minute=2)
    told = [acme.get("/v1/me").headers["RateLimit"] for _ in range(2)]
    assert told == ['"key";r=1;t=42', '"key";r=0;t=42']
    refused = acme.get("/v1/me")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "42")
    assert refused.headers["RateLimit-Policy"] == '"key";q=2;w=60'
    assert refused.json["type"] == "too_many"
    at(monkeypatch, 60.0)
    assert acme.get("/v1/me").headers["RateLimit"] == '"key";r=1;t=60'


def test_one_key_takes_nothing_from_another(acme, other, monkeypatch):
    limit(monkeypatch, kiba_api_requests_a_minute=1)
    assert acme.get("/v1/me").status_code == 200
    assert acme.get("/v1/me").status_code == 429
    assert other.get("/v1/me").status_code == 200


def test_wrong_keys_are_counted_for_their_address_and_good_ones_from_there_are_not(nobody, acme, monkeypatch):
    limit(monkeypatch, kiba_api_requests_a_minute_by_address=2)
    wrong = [{"Authorization": f"Bearer kb_{number}"} for number in range(3)]
    answers = [nobody.get("/v1/me", headers=each) for each in wrong]
    assert [each.status_code for each in answers] == [401, 401, 429]
    assert answers[2].headers["RateLimit"] == '"address";r=0;t=42'
    assert acme.get("/v1/me").headers["RateLimit"].startswith('"key";')


def test_limits_do_not_bind_normal_use(acme):
    policy = acme.get("/v1/me").headers["RateLimit-Policy"]
    assert int(re.search(r"q=(\d+)", policy)[1]) >= 2 * 500 * 60


def test_a_limit_of_nothing_is_none(acme, monkeypatch):
    limit(monkeypatch, kiba_api_requests_a_minute=0)
    assert "RateLimit" not in acme.get("/v1/me").headers


def test_requests_pass_while_redis_does_not_answer_and_few_of_them_ask_it(acme, monkeypatch):
    closed = limits.redis.Redis.from_url("redis://127.0.0.1:1")
    monkeypatch.setattr(limits, "_counters", closed)
    monkeypatch.setattr(limits, "_asked_again_at", 0.0)
    limit(monkeypatch, kiba_api_requests_a_minute=1)
    assert [acme.get("/v1/me").status_code for _ in range(3)] == [200] * 3
    assert limits._asked_again_at > time.monotonic()
