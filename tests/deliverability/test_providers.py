"""Providers as edges name them, and what a lane may send as edges work it out."""

import json
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from sidecars.deliverability import lane_policies
from sidecars.deliverability.lane_limits import Ceiling, LaneLimits, sources_of
from sidecars.deliverability.lane_policies import Limits
from sidecars.deliverability.providers import provider_of, provider_of_domain
from sidecars.models import LaneControl, Source, Team, Warmup
from tests.lanes import forget_lanes

LIB = Path(__file__).parents[2] / "haraka/plugins/lib"
HOSTS = [
    "aspmx.l.google.com",
    "alt4.gmail-smtp-in.l.google.com",
    "acme.mail.protection.outlook.com",
    "mta5.am0.yahoodns.net",
    "acme.a-v1.mx.microsoft",
    "inbound-smtp.eu-west-1.amazonaws.com",
    "mx1.acme.co.uk",
    "mx.acme.example",
    "localhost",
    "192.0.2.1",
    "mail.acme.github.io",
    "mx.acme.test",
]
TODAY = date(2026, 11, 24)


def said_by_the_edge(script, *arguments):
    node = shutil.which("node") or pytest.fail("node is not on PATH: ./kiba doctor tells how to get it")
    done = subprocess.run((node, "-e", script, str(LIB), *arguments), capture_output=True, check=True)
    return json.loads(done.stdout)


def test_an_mx_host_is_the_same_provider_here_and_at_the_edge():
    script = """const [lib, ...hosts] = process.argv.slice(1)
        console.log(JSON.stringify(hosts.map(require(lib + '/providers').providerOf)))"""
    assert [provider_of(host) for host in HOSTS] == said_by_the_edge(script, *HOSTS)


def test_a_domain_is_its_best_mx_hosts_or_its_own_or_nobodys():
    records = {
        ("acme.example", "MX"): ["20 mx.backup.example", "10 aspmx.l.google.com"],
        ("bare.example", "A"): ["192.0.2.1"],
        ("null.example", "MX"): ["0 ."],
    }
    domains = ("acme.example", "bare.example", "null.example", "gone.example")
    found = [
        provider_of_domain(domain, lambda name, kind: records.get((name, kind), [])) for domain in domains
    ]
    assert found == ["google", "bare.example", None, None]


@pytest.fixture
def _lanes(stack):
    forget_lanes()
    yield
    forget_lanes()


@pytest.mark.usefixtures("_lanes")
def test_limits_are_those_that_an_edge_works_out():
    source = Source.create(name="out-1", pools=["engage"], state="active")
    for provider, days in {"google": {"2026-11-23": 500, "2026-11-25": 700}, "*": {"2026-11-24": 90}}.items():
        Warmup.create(source=source, provider=provider, surplus="wait", days=days)
    lane_policies.put("ada", "google", Limits(per_minute=77, per_day=600))
    lane_policies.put("ada", "*", Limits(per_day=10_000))
    limits = LaneLimits()
    script = """const [lib, policies, warmups, lanes] = process.argv.slice(1)
        const { Policies } = require(lib + '/policies')
        const made = new Policies(JSON.parse(policies), JSON.parse(warmups))
        const of = ([source, provider, day]) => made.limitsOf(source, provider, day)
        console.log(JSON.stringify(JSON.parse(lanes).map(of)))"""
    policies = {
        "google": {"per_minute": 77, "per_day": 600},
        "*": {"per_minute": None, "per_day": 10_000},
    }
    warmups = {"out-1": {row.provider: {"surplus": "wait", "days": row.days} for row in Warmup.select()}}
    lanes = [
        (source, provider, str(day))
        for source in ("out-1", "out-2")
        for provider in ("google", "yahoo", "acme.example")
        for day in (date(2026, 11, 22), TODAY, date(2026, 11, 25), date(2026, 12, 1))
    ]
    said = said_by_the_edge(script, *(json.dumps(each) for each in (policies, warmups, lanes)))
    for (name, provider, day), theirs in zip(lanes, said, strict=True):
        ceiling = theirs["ceiling"] and Ceiling(theirs["ceiling"]["counter"], theirs["ceiling"]["mails"])
        assert limits.per_minute(provider) == theirs["perMinute"]
        assert limits.ceiling(name, provider, date.fromisoformat(day)) == ceiling, (name, provider, day)


@pytest.mark.usefixtures("_lanes")
def test_a_team_sends_from_its_own_sources_where_it_has_any_and_holds_are_known():
    team = Team.create(name="Own")
    assert sources_of(team.id, "engage") == ["default"]
    Source.create(name="shared", pools=["send", "engage"], state="active")
    Source.create(name="other", pools=["send"], state="active")
    Source.create(name="off", pools=["engage"], state="off")
    assert sources_of(team.id, "engage") == ["shared"]
    Source.create(name="own", pools=["engage"], team=team, state="active")
    assert sources_of(team.id, "engage") == ["own"]
    LaneControl.create(source="*", provider="google", action="pause", reason="421", placed_by="ada")
    assert LaneLimits().hold_of("own", "google").reason == "421"
    assert LaneLimits().hold_of("own", "yahoo") is None
