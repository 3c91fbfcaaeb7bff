"""`./kiba domain`, against the simulator's DNS."""

from uuid import uuid4

import pytest
import requests
from click.testing import CliRunner

from sidecars.cli import cli
from sidecars.models import SendingDomain, Team


def kiba(*arguments, code=0):
    done = CliRunner().invoke(cli, ["domain", *arguments], env={"COLUMNS": "160"})
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def simulator_url(stack):
    stack.start_processes("simulator")
    return stack.url("simulator_http")


@pytest.fixture
def name(stack):
    return f"news.{uuid4().hex[:12]}.example"


@pytest.fixture
def team(stack):
    return str(Team.create(name="Commanded").id)


def publish(simulator_url, zone):
    requests.post(f"{simulator_url}/dns/zone", data=zone.encode(), timeout=10).raise_for_status()


def test_a_domain_is_added_checked_published_and_rotated(team, name, simulator_url):
    assert f"kb.{name}" in kiba("add", name, "--team", team)
    assert "registered already" in kiba("add", name, "--team", team, code=1)
    missing = kiba("check", name, code=1)
    assert "There is no CNAME record at this name." in missing
    assert "is not verified" in missing
    assert "no DKIM record" in kiba("rotate", name, code=1)

    publish(simulator_url, kiba("show", name, "--zone"))
    assert f"{name} is verified." in kiba("check", name)
    assert f"{name}  verified" in kiba("list", "--state", "verified")
    assert name not in kiba("list", "--state", "pending")

    next_selector = SendingDomain.get(SendingDomain.name == name).next_selector
    assert f"{next_selector} signs from now on." in kiba("rotate", name)


def test_records_are_shown_for_a_dns_host(team, name, simulator_url):
    kiba("add", name, "--team", team)
    shown = kiba("show", name, "--host", "hetzner")
    assert "At Hetzner" in shown
    assert "returns.kibamail.test." in shown
    assert "There are: auto, cloudflare" in kiba("show", name, "--host", "nobody", code=2)


def test_what_is_not_there_is_said(team, name):
    assert "There is no sending domain" in kiba("show", name, code=1)
    assert "There is no team 0." in kiba("add", name, "--team", "0", code=1)
    assert "Give a full domain name" in kiba("add", "acme", "--team", team, code=1)


def test_the_installations_own_names_are_checked(stack, simulator_url):
    stack.start_processes("webhook")
    assert "All of it is there." in kiba("ours")


def test_of_a_name_that_two_teams_registered_one_is_meant_and_can_be_removed(team, name):
    other = str(Team.create(name="Commanded too").id)
    for whose in (team, other):
        kiba("add", name, "--team", whose)
    assert f"Teams {team}, {other} have registered {name}" in kiba("show", name, code=2)
    selectors = [row.dkim_selector for row in SendingDomain.select().where(SendingDomain.name == name)]
    assert [selector in kiba("show", name, "--team", other) for selector in selectors] == [False, True]
    assert f"{name} of team {other} is removed." in kiba("remove", name, "--team", other)
    assert f"{name} of team {team} is removed." in kiba("remove", name)
    assert "There is no sending domain" in kiba("remove", name, code=1)
