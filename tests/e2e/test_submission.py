"""A program that knows nothing but SMTP: Python's smtplib, over STARTTLS and over TLS."""

import json
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from sidecars.commands.demo.steps import DOMAIN
from tests.e2e.conftest import Demo
from tests.support import wait_for

ANYBODY = ssl.create_default_context()
ANYBODY.check_hostname = False
ANYBODY.verify_mode = ssl.CERT_NONE  # the certificate is this machine's own


@contextmanager
def starttls(demo: Demo) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", demo.stack.ports["smtp_submission"], timeout=20) as client:
        client.starttls(context=ANYBODY)
        yield client


@contextmanager
def tls(demo: Demo) -> Iterator[smtplib.SMTP]:
    port = demo.stack.ports["smtps"]
    with smtplib.SMTP_SSL("127.0.0.1", port, context=ANYBODY, timeout=20) as client:
        yield client


def credentials(demo: Demo) -> tuple[str, str]:
    facts = json.loads((demo.home / "demo.json").read_text())
    return str(facts["team_id"]), facts["api_key"]


def mail(to: str, sender: str = f"orders@{DOMAIN}", text: str = "Your tea is on its way.") -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Orders <{sender}>"
    message["To"] = to
    message["Subject"] = "Deine Bestellung ☕ 注文"
    message.set_content(text)
    return message


def received(demo: Demo, to: str) -> list[dict[str, Any]]:
    facts = requests.get(demo.stack.url("simulator_http") + "/receipts.ndjson", timeout=20).text.splitlines()
    return [fact for fact in map(json.loads, facts) if fact["kind"] == "accepted" and fact["recipient"] == to]


def raw_of(demo: Demo, receipt: dict[str, Any]) -> bytes:
    """The mail that the receipt is for."""
    mails = demo.stack.url("simulator_http") + "/mails"
    query = {"message_id": receipt["message_id"]}
    (found,) = requests.get(mails, params=query, timeout=20).json()["mails"]
    return requests.get(f"{mails}/{found['id']}/raw", timeout=20).content


@pytest.mark.parametrize("connect", [starttls, tls])
def test_a_mail_submitted_with_a_key_arrives_once_and_is_in_the_ledger(demo: Demo, connect: Any) -> None:
    from sidecars.broadcasts.states import SendState
    from sidecars.models import Email, Send, database

    to = f"buyer.{connect.__name__}@penpal.example"
    with connect(demo) as client:
        client.login(*credentials(demo))
        assert client.send_message(mail(to)) == {}
    (receipt,) = wait_for(lambda: received(demo, to), timeout=30)

    def settled() -> bool:
        with database.connection_context():
            email = Email.get_or_none(Email.recipient == to)
            return (
                email is not None
                and str(email.message_id) == receipt["message_id"]
                and Send.get(Send.message_id == email.message_id).state == SendState.DELIVERED
            )

    wait_for(settled, timeout=30)


def test_a_wrong_password_is_refused(demo: Demo) -> None:
    team, _ = credentials(demo)
    with starttls(demo) as client, pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
        client.login(team, "kb_" + "x" * 40)
    assert refusal.value.smtp_code == 535


def test_without_tls_no_login_is_offered_and_no_mail_taken(demo: Demo) -> None:
    with smtplib.SMTP("127.0.0.1", demo.stack.ports["smtp_submission"], timeout=20) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        code, text = client.mail(f"orders@{DOMAIN}")
    assert code == 530
    assert b"STARTTLS" in text


def test_another_domain_in_from_is_refused_by_name(demo: Demo) -> None:
    with starttls(demo) as client:
        client.login(*credentials(demo))
        with pytest.raises(smtplib.SMTPResponseException) as refusal:
            client.send_message(
                mail("x@penpal.example", sender="boss@bank.example"), from_addr=f"orders@{DOMAIN}"
            )
    assert refusal.value.smtp_code == 550
    assert b"bank.example" in refusal.value.smtp_error


def test_an_oversized_mail_is_refused_before_it_is_sent(demo: Demo) -> None:
    with starttls(demo) as client:
        client.login(*credentials(demo))
        limit = int(client.esmtp_features["size"])
        code, text = client.mail(f"orders@{DOMAIN}", [f"SIZE={limit + 1}"])
    assert code == 552
    assert str(limit).encode() in text


def answer_to(client: smtplib.SMTP, recipient: str) -> tuple[int, bytes]:
    """What RCPT is answered, in a transaction of its own."""
    client.rset()
    client.mail(f"orders@{DOMAIN}")
    return client.rcpt(recipient)


def test_who_bounced_is_refused_within_seconds_till_the_team_takes_that_back(demo: Demo) -> None:
    to = "unknown_user.gone@outcome.example"
    team, key = credentials(demo)
    with starttls(demo) as client:
        client.login(team, key)
        client.send_message(mail(to))

        wait_for(lambda: answer_to(client, to)[0] == 550, timeout=30)
        assert b"5.7.1 unknown_user.gone@outcome.example is suppressed" in answer_to(client, to)[1]
        assert b": hard_bounce since" in answer_to(client, to)[1]

        suppressions = demo.stack.url("web") + "/v1/suppressions"
        api = requests.Session()
        api.headers["Authorization"] = f"Bearer {key}"
        (found,) = api.get(suppressions, params={"email": to}, timeout=20).json()["data"]
        lifting = api.delete(f"{suppressions}/{found['id']}", params={"because": "is back"}, timeout=20)
        assert lifting.status_code == 204
        assert answer_to(client, to)[0] == 250


def test_a_complaint_of_a_redacted_person_suppresses_who_got_the_mail(demo: Demo) -> None:
    """The simulator's feedback loops write to abuse@ of the return path, and name nobody."""
    to = "complaint.reader@outcome.example"
    team, key = credentials(demo)
    with starttls(demo) as client:
        client.login(team, key)
        client.send_message(mail(to))

        wait_for(lambda: answer_to(client, to)[0] == 550, timeout=60)
        assert b": complaint since" in answer_to(client, to)[1]
