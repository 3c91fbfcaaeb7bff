"""What the tests of the simulator talk about: the running simulator, a mail, those whom it calls."""

import json
import smtplib
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import dns.resolver

from sidecars import names

# The token that opens to the message id; its MAC, here zeros, is not the simulator's to check.
MESSAGE_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
TOKEN = "agequxnmsz3uxpgowmbatguak4aaaaaaaaaaaaaa"


@dataclass
class World:
    """A running simulator."""

    home: Path
    variables: dict[str, str]
    process: subprocess.Popen[bytes]

    def port(self, name: str) -> int:
        return int(self.variables[f"SIMULATOR_{name.upper()}_PORT"])

    def connect(self, host: str = "127.0.0.1") -> smtplib.SMTP:
        smtp = smtplib.SMTP(host, self.port("smtp"), local_hostname="edge.test", timeout=10)
        smtp.ehlo()
        return smtp

    def deliver(self, recipient: str, raw: bytes | None = None, sender: str = "a@kb.acme.example") -> None:
        with self.connect() as smtp:
            smtp.sendmail(sender, [recipient], raw or mail(recipient))

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port('http')}{path}", timeout=10) as response:
            return response.read()

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port('http')}{path}", method=method, data=data
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def receipts(self, recipient: str | None = None, **query: object) -> list[dict[str, Any]]:
        words = "&".join(f"{name}={value}" for name, value in query.items())
        facts = [json.loads(line) for line in self.get(f"/receipts.ndjson?{words}").splitlines()]
        return [fact for fact in facts if recipient in (None, fact["recipient"])]

    def kinds(self, recipient: str) -> list[str]:
        return [fact["kind"] for fact in self.receipts(recipient)]

    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], self.port("dns"), 5
        return resolver

    def mx_of(self, domain: str) -> list[str]:
        """Mail exchangers by preference."""
        records = sorted(self.resolver().resolve(domain, "MX"), key=lambda record: record.preference)
        return [record.exchange.to_text(omit_final_dot=True) for record in records]

    def stop(self) -> str:
        """Its output, after SIGTERM."""
        self.process.terminate()
        output, _ = self.process.communicate(timeout=90)
        return output.decode()


def mail(recipient: str, tracking_url: str = "http://127.0.0.1:9", broadcast_id: int = 7) -> bytes:
    """A newsletter with a pixel, two tracked links and every way to unsubscribe, as the edge sends it."""
    one_click, mailto = f"{tracking_url}/u/{TOKEN}", f"mailto:u-{TOKEN}@kb.acme.example?subject=unsubscribe"
    head = (
        f"{names.HEADER_MESSAGE_ID}: {MESSAGE_ID}\n{names.HEADER_BROADCAST_ID}: {broadcast_id}\n"
        f"{names.HEADER_CONTACT_ID}: 42\nFrom: News <news@acme.example>\nTo: {recipient}\n"
        f"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nList-Unsubscribe: <{one_click}>,\n <{mailto}>\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\nMIME-Version: 1.0\n"
        'Content-Type: multipart/alternative; boundary="cut"\n\n'
    )
    text = "--cut\nContent-Type: text/plain; charset=utf-8\n\nHello.\n"
    html = (
        "--cut\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        f'<p>Gr=C3=BC=C3=9Fe <a href=3D"{tracking_url}/c/{TOKEN}/0">one</a>\n'
        f'<a href=3D"{tracking_url}/c/{TOKEN}/1">two</a>\n<a href=3D"{one_click}">no more</a>\n'
        f'<img src=3D"{tracking_url}/o/{TOKEN}.gif" alt=3D""></p>\n--cut--\n'
    )
    return (head + text + html).replace("\n", "\r\n").encode()


@dataclass
class Inbox:
    """The edge's inbound listener: what came in, as (envelope sender, recipient, message)."""

    port: int = 0
    mails: list[tuple[str, str, Message]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusals:
            return self.refusals.pop()
        message = message_from_bytes(envelope.content)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos[0], message))
        return "250 2.0.0 Ok"


@dataclass
class Tracker:
    """A tracking host: the requests it answered, as (method, path, headers, body)."""

    url: str
    requests: list[tuple[str, str, Message, bytes]] = field(default_factory=list)
    failures: int = 0

    def paths(self, method: str) -> list[str]:
        return [path for asked, path, _, _ in self.requests if asked == method]
