"""Programs that people send with, each over both kinds of TLS; and what they say of a mail, to its end."""

import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import requests

from infra.local.config import REPOSITORY
from infra.local.install import install_debian_packages
from sidecars.commands.demo.steps import DOMAIN
from tests.e2e.conftest import Demo
from tests.e2e.test_submission import credentials, raw_of, received, starttls, tls
from tests.support import wait_for

SENDER = f"orders@{DOMAIN}"
ATTACHMENT_BYTES = 2_000_000
# Received and signatures, which count at the receiving server too.
ROOM_FOR_OUR_HEADER = 10_000
# A program, or a file, that shows the package to be there. swaks speaks TLS by the last of them.
PACKAGES = {
    "swaks": "swaks",
    "msmtp": "msmtp",
    "curl": "curl",
    "/usr/share/doc/libnet-ssleay-perl/copyright": "libnet-ssleay-perl",
}
NODEMAILER = REPOSITORY / "haraka" / "test" / "support" / "submit_by_nodemailer.js"


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    install_debian_packages(print, PACKAGES)


class Letter(NamedTuple):
    """What a client is to submit: as whom, by which kind of TLS, to whom, and the mail."""

    demo: Demo
    implicit: bool
    to: str
    raw: bytes

    @property
    def tls(self) -> str:
        """Its name."""
        return "TLS" if self.implicit else "STARTTLS"

    @property
    def port(self) -> str:
        """Of the listener for it."""
        return str(self.demo.stack.ports["smtps" if self.implicit else "smtp_submission"])

    @property
    def login(self) -> tuple[str, str]:
        """User and password."""
        return credentials(self.demo)


def by_smtplib(letter: Letter) -> None:
    with (tls if letter.implicit else starttls)(letter.demo) as client:
        client.login(*letter.login)
        options = ["BODY=8BITMIME"] if letter.to.isascii() else ["BODY=8BITMIME", "SMTPUTF8"]
        client.sendmail(SENDER, [letter.to], letter.raw, options)


def by_nodemailer(letter: Letter) -> None:
    run(letter, "node", str(NODEMAILER), letter.port, letter.tls, *letter.login, SENDER, letter.to)


def by_swaks(letter: Letter) -> None:
    user, password = letter.login
    login = ["--auth", "LOGIN", "--auth-user", user, "--auth-password", password]
    where = ["--server", f"127.0.0.1:{letter.port}", "--tls-on-connect" if letter.implicit else "--tls"]
    mail = ["--from", SENDER, "--to", letter.to, "--data", "-", "--silent", "1"]
    # It ends the last line itself.
    run(letter._replace(raw=letter.raw.removesuffix(b"\r\n")), "swaks", *where, *login, *mail)


def by_msmtp(letter: Letter) -> None:
    user, password = letter.login
    where = ["--host=127.0.0.1", f"--port={letter.port}", "--tls=on", "--tls-certcheck=off"]
    where += [f"--tls-starttls={'off' if letter.implicit else 'on'}"]
    login = ["--auth=plain", f"--user={user}", f"--passwordeval=echo {password}"]
    run(letter, "msmtp", *where, *login, f"--from={SENDER}", letter.to)


def by_curl(letter: Letter) -> None:
    scheme = "smtps" if letter.implicit else "smtp"
    where = ["--insecure", "--ssl-reqd", f"{scheme}://127.0.0.1:{letter.port}"]
    mail = ["--mail-from", SENDER, "--mail-rcpt", letter.to, "--upload-file", "-"]
    run(letter, "curl", "--silent", "--show-error", *where, "--user", ":".join(letter.login), *mail)


CLIENTS = (by_smtplib, by_nodemailer, by_swaks, by_msmtp, by_curl)


def run(letter: Letter, *words: str) -> None:
    done = subprocess.run(
        words, input=letter.raw, env=letter.demo.stack.env(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def letter_to(to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Orders <{SENDER}>"
    message["To"] = to
    message["Subject"] = "Grüße ☕"
    message["X-Kibamail-Tag"] = "client"
    message.set_content("Schöne Grüße ☕\n.\n..und ein Punkt\n", cte="8bit")
    return message


def body(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "TLS"])
@pytest.mark.parametrize("submit", CLIENTS)
def test_a_client_logs_in_and_its_8_bit_mail_with_a_large_attachment_arrives_as_it_was(
    demo: Demo, submit: Callable[[Letter], None], implicit: bool
) -> None:
    # What the simulator does with a mail goes by its address.
    to = f"{submit.__name__}.{implicit}@penpal.example".lower()
    message = letter_to(to)
    message.add_attachment(bytes(ATTACHMENT_BYTES), maintype="application", subtype="octet-stream")
    letter = Letter(demo, implicit, to, message.as_bytes(policy=SMTP))
    submit(letter)
    (receipt,) = wait_for(lambda: received(demo, to), timeout=30)
    assert body(raw_of(demo, receipt)) == body(letter.raw)


def test_a_mail_just_below_the_limit_arrives_as_it_was(demo: Demo) -> None:
    to = "large@penpal.example"
    with tls(demo) as client:
        client.ehlo()
        limit = int(client.esmtp_features["size"])
    head = f"From: {SENDER}\r\nTo: {to}\r\nSubject: Large\r\n\r\n".encode()
    line = "Grüße ☕ ".encode() * 70 + b"\r\n"
    letter = Letter(demo, True, to, head + line * ((limit - ROOM_FOR_OUR_HEADER) // len(line)))
    by_curl(letter)
    (receipt,) = wait_for(lambda: received(demo, to), timeout=60)
    assert body(raw_of(demo, receipt)) == body(letter.raw)


# swaks and msmtp of Debian 12 do not know SMTPUTF8: they say the address all the same, and the edge takes it.
@pytest.mark.parametrize("submit", CLIENTS)
def test_a_recipient_and_a_header_outside_ascii_are_sent_on_by_smtputf8(
    demo: Demo, submit: Callable[[Letter], None]
) -> None:
    to = f"grüße.{submit.__name__}@penpal.example"
    letter = Letter(demo, False, to, letter_to(to).as_bytes(policy=SMTPUTF8))
    submit(letter)
    (receipt,) = wait_for(lambda: received(demo, to), timeout=30)
    raw = raw_of(demo, receipt)
    assert f"\r\nTo: {to}\r\n".encode() in raw
    assert body(raw) == body(letter.raw)


def test_what_is_said_of_a_mail_and_a_followed_link_are_in_its_timeline(demo: Demo) -> None:
    from sidecars.mail.sealed_links import seal_link
    from sidecars.mail.tokens import make_token
    from sidecars.settings import settings

    to = "followed@penpal.example"
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, to, "Followed"
    message["X-Kibamail-Tag"], message["X-Kibamail-Metadata"] = "welcome", '{"order": 17}'
    message["X-Kibamail-Track"] = "opens, clicks"
    message.set_content('<p><a href="https://shop.example/?a=1">Shop</a></p>', subtype="html")
    with starttls(demo) as client:
        client.login(*credentials(demo))
        client.send_message(message)
    (receipt,) = wait_for(lambda: received(demo, to), timeout=30)
    message_id, secret = UUID(receipt["message_id"]), settings.token_secret.get_secret_value()
    _, key = credentials(demo)

    def timeline() -> list[dict[str, Any]]:
        url = f"{demo.stack.url('web')}/v1/messages/{message_id}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=20)
        return answer.json()["timeline"] if answer.ok else []

    delivered = wait_for(
        lambda: next((row for row in timeline() if row.get("state") == "delivered"), None), timeout=30
    )
    assert (delivered["tag"], delivered["metadata"]) == ("welcome", {"order": "17"})
    target = "https://shop.example/?a=1"
    link = f"/c/{make_token(message_id, secret)}/0/{seal_link(message_id, 0, target, secret)}"
    answer = requests.get(demo.stack.url("webhook") + link, allow_redirects=False, timeout=20)
    assert (answer.status_code, answer.headers["Location"]) == (302, target)
    wait_for(lambda: any(row.get("url") == target for row in timeline()), timeout=30)
