"""A real Postfix takes our mail, has its signatures verified, and sends back what it cannot deliver."""

import json
import re
import smtplib
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

import dkim
import pytest

from infra.local.config import REPOSITORY
from sidecars.commands.demo.api import Api
from tests.e2e.conftest import Demo
from tests.e2e.receiving import ADDRESS, DOMAIN, HOST, Receiver, publish, receiver
from tests.e2e.test_demo import kiba
from tests.e2e.test_rotation import published
from tests.e2e.test_submission import ANYBODY, credentials, mail, starttls
from tests.support import wait_for

VERIFY = REPOSITORY / "haraka" / "test" / "support" / "verify_dkim.js"
FROM_DOMAIN = "pots.thekettle.example"
LETTER = {"name": "The kiln", "subject": "The kiln is on", "body": "<p>Grüße, {{ contact.email }}</p>"}
BOTH_PASS = {"rsa-sha256": "pass", "ed25519-sha256": "pass"}
# Who it is, and with which status and words Postfix sends their mail back.
DEAD = {
    "unknown": ("5.1.1", f'unknown user: "unknown@{DOMAIN}"'),
    "grüße": ("5.1.1", "unknown user"),
    "disabled": ("5.2.1", "This mailbox was disabled"),
    "moved": ("5.1.1", "550 5.1.1 No such user here"),
}
PASSING = {
    "full": ("5.2.2", "input/output error"),
    "picky": ("5.7.1", "Message content rejected as spam"),
}


@pytest.fixture(scope="module")
def server(demo: Demo) -> Iterator[Receiver]:
    with receiver(demo.stack) as running:
        yield running


@pytest.fixture(scope="module")
def api(demo: Demo) -> Api:
    return Api(demo.stack.url("web"), credentials(demo)[1])


@pytest.fixture(scope="module")
def broadcast(demo: Demo, api: Api, server: Receiver) -> str:
    """To everybody at the server, from a domain whose mail is signed with RSA and with Ed25519."""
    audience = api.post("/audiences", {"name": "Potters"})["id"]
    for name in ("reader", "away", *DEAD, *PASSING):
        api.post(f"/audiences/{audience}/contacts", {"email": f"{name}@{DOMAIN}"})
    verify_domain(demo, api)
    sender = api.post("/senders", {"name": "Potters", "address": f"hello@{FROM_DOMAIN}"})["id"]
    broadcast_id = api.post("/broadcasts", {**LETTER, "audience_id": audience, "sender_id": sender})["id"]
    api.post(f"/broadcasts/{broadcast_id}/publish")
    return str(broadcast_id)


def verify_domain(demo: Demo, api: Api) -> None:
    domain = f"/domains/{api.post('/domains', {'name': FROM_DOMAIN})['id']}"
    api.session.patch(f"{api.base}/v1{domain}", json={"ed25519": True}, timeout=20).raise_for_status()
    for record in api.get(domain)["records"]:
        publish(demo.stack, record)
    assert api.post(f"{domain}/verify")["domain"]["ed25519_verified_at"]


def test_opendkim_dkimpy_and_mailauth_verify_both_signatures_of_a_mail(
    demo: Demo, broadcast: str, server: Receiver
) -> None:
    arrived = wait_for(server.mails, timeout=60)[0]
    assert opendkims_verdicts(arrived) == BOTH_PASS
    assert [dkim.DKIM(arrived).verify(idx, dnsfunc=published) for idx in (0, 1)] == [True, True]
    dns = f"127.0.0.1:{demo.stack.ports['simulator_dns']}"
    mailauth = subprocess.run(
        ("node", str(VERIFY), dns), input=arrived, env=demo.stack.env(), capture_output=True, check=True
    )
    assert dict(json.loads(mailauth.stdout)) == BOTH_PASS


def test_opendkim_sees_a_change_on_the_way(demo: Demo, broadcast: str, server: Receiver) -> None:
    forged = wait_for(server.mails, timeout=60)[0].replace(b"The kiln is on", b"The kiln is off")
    with smtplib.SMTP(ADDRESS, demo.stack.ports["simulator_smtp"], timeout=20) as forger:
        forger.starttls(context=ANYBODY)
        forger.sendmail("forger@bank.example", [f"reader@{DOMAIN}"], forged)
    (arrived,) = wait_for(lambda: [each for each in server.mails() if b"kiln is off" in each], timeout=30)
    assert opendkims_verdicts(arrived) == {"rsa-sha256": "fail", "ed25519-sha256": "fail"}


def opendkims_verdicts(arrived: bytes) -> dict[str, str]:
    """By algorithm, of the topmost Authentication-Results, which is the server's."""
    said = message_from_bytes(arrived, policy=SMTP)["Authentication-Results"]
    assert said.startswith(f"{HOST};")
    return {name: verdict for verdict, name in re.findall(r"dkim=(\w+).*?header\.a=([\w-]+)", said)}


@pytest.mark.parametrize("name", DEAD)
def test_a_dsn_of_a_dead_mailbox_bounces_its_mail_and_suppresses_its_address(
    api: Api, broadcast: str, name: str
) -> None:
    status, words = DEAD[name]
    event = bounced(api, broadcast, name)
    assert (event["enhanced"], event["tls"]) == (status, True)
    assert words in event["response"]
    # Of RFC 6533 where an address is not in ASCII.
    report = "delivery-status" if name.isascii() else "global-delivery-status"
    assert f"Content-Type: message/{report}\n" in b64decode(event["raw"]).decode().replace("\r", "")
    assert wait_for(lambda: suppressions(api, name), timeout=30) == ["hard_bounce"]
    delivered = mail_to(api, broadcast, name)["timeline"][0]
    assert (delivered["type"], delivered["tls_version"]) == ("delivered", "TLSv1.3")


def test_no_other_dsn_suppresses_anybody_and_a_delay_changes_nothing_till_the_server_gives_up(
    demo: Demo, api: Api, broadcast: str, server: Receiver
) -> None:
    for name, (status, words) in PASSING.items():
        event = bounced(api, broadcast, name)
        assert (event["enhanced"], words in event["response"]) == (status, True)
    delay = came_back(api, broadcast, "away", "delay")
    assert (delay["enhanced"], delay["state"]) == ("4.4.1", "")
    assert mail_to(api, broadcast, "away")["state"] == "delivered"
    server.give_up()
    assert bounced(api, broadcast, "away")["enhanced"] == "4.4.1"
    # The last that is done of a mail that came back.
    wait_for(lambda: counted_for_a_while() == {f"full@{DOMAIN}", f"away@{DOMAIN}"}, timeout=30)
    assert not any(suppressions(api, name) for name in ("away", *PASSING))

    told = kiba(demo, "why", f"away@{DOMAIN}", "--broadcast", str(broadcast)).stdout
    assert told.startswith("It bounced. The recipient's server took it, then sent it back.\n")
    assert f"delivered at {HOST} {ADDRESS} (250 2.0.0 Ok: queued as" in told
    came = re.findall(r"inbound at 127\.0\.0\.1 \(4\.4\.1 connect to .*: Connection refused\)", told)
    assert len(came) == 2


def test_one_dsn_of_a_submitted_mail_tells_of_each_of_its_recipients(
    demo: Demo, api: Api, server: Receiver
) -> None:
    with starttls(demo) as client:
        client.login(*credentials(demo))
        client.send_message(mail(f"reader@{DOMAIN}, gone@{DOMAIN}, picky@{DOMAIN}"))
    gone, picky = (submitted_and_bounced(api, f"{name}@{DOMAIN}") for name in ("gone", "picky"))
    assert (gone["enhanced"], picky["enhanced"]) == ("5.1.1", "5.7.1")
    assert gone["raw"] == picky["raw"]
    assert wait_for(lambda: suppressions(api, "gone"), timeout=30) == ["hard_bounce"]
    assert submitted(api, f"reader@{DOMAIN}")["state"] == "delivered"
    assert not suppressions(api, "reader")


def mail_to(api: Api, broadcast: str, name: str) -> dict[str, Any]:
    """The ledger's row, with all that happened to the mail."""
    why = api.get(f"/broadcasts/{broadcast}/why", params={"address": f"{name}@{DOMAIN}"})
    return why["mail"] or {"state": None, "timeline": []}


def submitted(api: Api, to: str) -> dict[str, Any]:
    """The same of a mail that a program submitted."""
    from sidecars.models import Email, database

    with database.connection_context():
        email = Email.get_or_none(Email.recipient == to)
    return api.get(f"/messages/{email.message_id}") if email else {"state": None, "timeline": []}


def came_back(api: Api, broadcast: str, name: str, kind: str) -> dict[str, Any]:
    """The first mail of that kind that came to the return path."""
    return wait_for(lambda: inbound(mail_to(api, broadcast, name), kind), timeout=60, interval=0.2)


def bounced(api: Api, broadcast: str, name: str) -> dict[str, Any]:
    """The DSN, when the ledger has it too."""
    wait_for(lambda: mail_to(api, broadcast, name)["state"] == "bounced", timeout=60, interval=0.2)
    return came_back(api, broadcast, name, "bounce")


def submitted_and_bounced(api: Api, to: str) -> dict[str, Any]:
    wait_for(lambda: submitted(api, to)["state"] == "bounced", timeout=60, interval=0.2)
    return wait_for(lambda: inbound(submitted(api, to), "bounce"), timeout=30, interval=0.2)


def inbound(told: dict[str, Any], kind: str) -> dict[str, Any] | None:
    return next((event for event in told["timeline"] if event.get("kind") == kind), None)


def suppressions(api: Api, name: str) -> list[str]:
    found = api.get("/suppressions", params={"email": f"{name}@{DOMAIN}"})["data"]
    return [row["reason"] for row in found]


def counted_for_a_while() -> set[str]:
    """Who bounced in a way that may pass."""
    from sidecars.models import SoftBounce, database

    with database.connection_context():
        return {row.email for row in SoftBounce.select().where(SoftBounce.email.endswith(f"@{DOMAIN}"))}
