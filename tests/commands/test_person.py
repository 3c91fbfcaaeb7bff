"""`./kiba person`: who it makes can log in."""

import re
from uuid import uuid4

import pytest
from click.testing import CliRunner

from sidecars.accounts import people
from sidecars.accounts.errors import LoginRefused
from sidecars.cli import cli
from sidecars.models import Membership, database


def kiba(*arguments, code=0):
    done = CliRunner().invoke(cli, ["person", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def log_in(address, printed):
    password = re.search(r"Password: (\S+)", printed)[1]
    with database.connection_context():
        return people.log_in(address, password, None, "192.0.2.1")


def test_somebody_is_made_in_a_team_and_gets_a_new_password(stack):
    address, team = f"{uuid4().hex[:12]}@mail.example", f"Team {uuid4()}"
    printed = kiba("add", address.upper(), "--name", "Ada", "--team", team)
    assert f"{address} is ADMINISTRATOR of {team}" in printed
    user = log_in(address, printed)
    again = kiba("add", address, "--name", "Ada", "--team", team, "--role", "GUEST")
    assert "Their password stays" in again
    with database.connection_context():
        (place,) = Membership.select().where(Membership.user == user)
        assert place.role == "GUEST"

    anew = kiba("password", address)
    with pytest.raises(LoginRefused):
        log_in(address, printed)
    assert log_in(address, anew).id == user.id


def test_nobody_and_no_address_are_told_so(stack):
    assert "Nobody has the address" in kiba("password", "nobody@mail.example", code=1)
    assert "nonsense:" in kiba("add", "nonsense", "--name", "x", "--team", "x", code=1)
