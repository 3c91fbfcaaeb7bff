"""Programs that people send with, each over both kinds of TLS; and what they say of a mail, to its end."""

import shutil
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests

from infra.local.install import install_debian_packages
from sidecars.commands.demo.steps import DOMAIN
from tests.e2e.conftest import Demo
from tests.e2e.test_submission import credentials, received, starttls
from tests.support import wait_for

SENDER = f"orders@{DOMAIN}"
ATTACHMENT_BYTES = 2_000_000
# A program, or a file, that shows the package to be there. swaks speaks TLS by the last of them.
PACKAGES = {
    "swaks": "swaks",
    "msmtp": "msmtp",
    "curl": "curl",
    "/usr/share/doc/libnet-ssleay-perl/copyright": "libnet-ssleay-perl",
}


@pytest.fixture(scope="module", autouse=True)
def clients() -> None:
    install_debian_packages(print, PACKAGES)


@pytest.fixture
def letter(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A mail of 8 bits with a large attachment: its recipient, and the file that it is in."""
    # What the simulator does with a mail goes by its address.
    to = f"client.{request.node.callspec.id.lower()}@penpal.example"
    message = EmailMessage()
    message["From"] = f"Orders <{SENDER}>"
    message["To"] = to
    message["Subject"] = "Grüße ☕"
    message["X-Kibamail-Tag"] = "client"
    message.set_content("Schöne Grüße ☕\n", cte="8bit")
    message.add_attachment(bytes(ATTACHMENT_BYTES), maintype="application", subtype="octet-stream")
    file = tmp_path / "letter.eml"
    file.write_bytes(message.as_bytes(policy=message.policy.clone(linesep="\r\n")))
    return to, file


def swaks(port: int, implicit: bool, user: str, password: str, to: str, file: Path) -> list[str]:
    login = ["--auth", "PLAIN", "--auth-user", user, "--auth-password", password]
    tls = "--tls-on-connect" if implicit else "--tls"
    where = ["--server", "127.0.0.1", "--port", str(port), tls]
    return ["swaks", *where, *login, "--from", SENDER, "--to", to, "--data", f"@{file}", "--silent", "1"]


def msmtp(port: int, implicit: bool, user: str, password: str, to: str, file: Path) -> list[str]:
    tls = ["--tls=on", "--tls-certcheck=off", f"--tls-starttls={'off' if implicit else 'on'}"]
    where = ["--host=127.0.0.1", f"--port={port}", *tls]
    login = ["--auth=plain", f"--user={user}", f"--passwordeval=echo {password}"]
    send = " ".join(["msmtp", *where, *(f"'{each}'" for each in login), f"--from={SENDER}", to])
    return ["sh", "-c", f"{send} < {file}"]


def curl(port: int, implicit: bool, user: str, password: str, to: str, file: Path) -> list[str]:
    where = ["--insecure", "--ssl-reqd", f"{'smtps' if implicit else 'smtp'}://127.0.0.1:{port}"]
    login = ["--user", f"{user}:{password}"]
    mail = ["--mail-from", SENDER, "--mail-rcpt", to, "--upload-file", str(file)]
    return ["curl", "--silent", "--show-error", *where, *login, *mail]


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "TLS"])
@pytest.mark.parametrize("command", [swaks, msmtp, curl])
def test_a_client_submits_8_bit_mail_with_a_large_attachment(
    demo: Demo, letter: tuple[str, Path], command: Callable[..., list[str]], implicit: bool
) -> None:
    to, file = letter
    port = demo.stack.ports["smtps" if implicit else "smtp_submission"]
    words = command(port, implicit, *credentials(demo), to, file)
    assert shutil.which(words[0])
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (receipt,) = wait_for(lambda: received(demo, to), timeout=30)
    assert receipt["message_id"]


def test_a_recipient_outside_ascii_is_reached_by_smtputf8(demo: Demo) -> None:
    to = "grüße@penpal.example"
    with starttls(demo) as client:
        client.login(*credentials(demo))
        text = f"From: {SENDER}\r\nTo: {to}\r\nSubject: Grüße\r\n\r\nSchön\r\n".encode()
        client.ehlo()
        assert client.sendmail(SENDER, [to], text, ["SMTPUTF8", "BODY=8BITMIME"]) == {}
    assert wait_for(lambda: received(demo, to), timeout=30)


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
