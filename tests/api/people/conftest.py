"""People who sign up, mailed by the real edge, and received by the simulator."""

import email
import email.policy
import re
from types import SimpleNamespace
from uuid import uuid4

import pytest
import requests

from sidecars.accounts import invitations, mails, passkeys, people, single_sign_on
from sidecars.api.people import signing_in
from sidecars.edge.records import write_domain
from sidecars.models import AccountMail
from sidecars.notices import mailing
from sidecars.settings import settings
from tests.people import Person, new_team
from tests.sending import make_team
from tests.support import wait_for

PASSWORD = "correct horse battery"


@pytest.fixture
def configured(monkeypatch):
    """Sets settings in all that reads them of people."""

    def _configured(**changes):
        changed = getattr(mails, "settings", settings).model_copy(update=changes)
        for module in (invitations, mails, mailing, passkeys, people, signing_in, single_sign_on):
            monkeypatch.setattr(module, "settings", changed)

    return _configured


@pytest.fixture(scope="session")
def operator(app, stack):
    """The team of NOTICES_FROM, with the edge and the simulator at work."""
    stack.start_processes("simulator", "webhook", "smtp")
    team = make_team()
    write_domain(team.domain.id)
    return team


@pytest.fixture
def mailed(configured, operator, stack):
    """The text of the last mail of that kind to an address, once it has arrived."""
    AccountMail.update(state="unmailed").execute()
    configured(sign_up="open", notices_from=f"Kibamail <hello@{operator.domain.name}>")

    def _mailed(address, kind):
        wait_for(lambda: mails.mail_waiting() == 0)
        row = (
            AccountMail.select()
            .where(AccountMail.address == address, AccountMail.kind == kind)
            .order_by(AccountMail.id.desc())
            .get()
        )
        assert (row.state, row.reason) == ("mailed", "")
        base, query = stack.url("simulator_http"), {"message_id": str(row.message_id)}
        (mail,) = wait_for(lambda: requests.get(f"{base}/mails", params=query, timeout=10).json()["mails"])
        raw = requests.get(f"{base}/mails/{mail['id']}/raw", timeout=10).content
        text = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",)).get_content()
        found = re.search(r"kbt_\w{40}", text)
        return SimpleNamespace(text=text, token=found and found[0])

    return _mailed


@pytest.fixture
def new_address():
    """One at the simulator that nobody has."""
    return lambda: f"accept.{uuid4().hex[:12]}@outcome.example"


@pytest.fixture
def ada(app):
    """The administrator of a team, logged in."""
    return Person(app, new_team())


@pytest.fixture
def logged_in(nobody):
    """The answer to a login by password."""

    def _logged_in(address, password=PASSWORD, ip="192.0.2.1", **more):
        body = {"email": address, "password": password} | more
        return nobody.post("/v1/auth/log-in", json=body, environ_base={"REMOTE_ADDR": ip})

    return _logged_in
