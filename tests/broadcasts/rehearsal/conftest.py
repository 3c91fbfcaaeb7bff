"""A domain whose records are published, an edge that signs for it, and a web site on loopback."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
import requests

from sidecars.broadcasts.rehearsal import checks, duration
from sidecars.deliverability import domain_records, domains, senders
from sidecars.models import Broadcast, Content, SendingDomain, Team, Variant, database
from tests.sending import SendingTeam, make_people

SHOP = "shop.tea.example"
# A GIF of one pixel.
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
GOOD_BODY = """<h1>Spring is here</h1>
<p>Hello {{ contact.first_name | default: "friend" }}, the shop is open.</p>
<p><a href="SITE/good">Look around</a> <img src="SITE/pixel.gif" width="600" alt="A kettle"></p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>"""


@dataclass
class Site:
    """What it answers, and how often each path was asked."""

    port: int
    asked: Counter = field(default_factory=Counter)

    @property
    def url(self):
        """Of a name that the simulator's DNS has."""
        return f"http://{SHOP}:{self.port}"


@pytest.fixture(scope="session")
def site():
    hung = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(with_body=False)

        def do_GET(self):
            self.answer(with_body=True)

        def answer(self, with_body):
            made.asked[f"{self.command} {self.path}"] += 1
            match self.path.partition("?")[0].strip("/").split("/"):
                case ["good"]:
                    self.say(200, b"<p>Hello</p>", with_body)
                case ["pixel.gif"]:
                    self.say(200, PIXEL, with_body)
                case ["wide.gif"]:
                    self.say(200, PIXEL[:6] + (1200).to_bytes(2, "little") + PIXEL[8:], with_body)
                case ["large"]:
                    self.say(200, bytes(1_500_000), with_body)
                case ["get-only"] if not with_body:
                    self.say(405, b"", with_body)
                case ["get-only"]:
                    self.say(200, b"x", with_body)
                case ["status", status]:
                    self.say(int(status), b"", with_body)
                case ["to", number]:
                    self.say(
                        302, b"", with_body, location=f"/to/{int(number) - 1}" if int(number) else "/good"
                    )
                case ["elsewhere"]:
                    self.say(302, b"", with_body, location=f"http://127.0.0.1:{made.port}/good")
                case ["hang"]:
                    hung.wait()
                case _:
                    self.say(404, b"", with_body)

        def say(self, status, body, with_body, location=None):
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Site(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    hung.set()
    server.shutdown()


@pytest.fixture(scope="session")
def shop(stack):
    """A team whose domain is verified by DNS, and known to the edge, which runs."""
    stack.start_processes("simulator", "webhook", "smtp")
    with database.connection_context():
        team = Team.create(name="Shop")
        domain = domains.create(team.id, f"news.{uuid4().hex[:12]}.example")
        dns = f"{stack.url('simulator_http')}/dns"
        zone, address = domain_records.zone_file(domain), {"name": SHOP, "type": "A", "value": "127.0.0.1"}
        requests.post(f"{dns}/zone", data=zone.encode(), timeout=10).raise_for_status()
        requests.post(f"{dns}/records", json=address, timeout=10).raise_for_status()
        domains.verify(domain.id)
        domain = SendingDomain.get_by_id(domain.id)
        assert domain.verified_at
        sender = senders.create(team.id, "The Shop", f"hello@{domain.name}")
        return SendingTeam(team, domain, sender)


@pytest.fixture(autouse=True)
def _unmeasured(monkeypatch):
    """Broadcasts of other tests say nothing of how fast one leaves."""
    monkeypatch.setattr(duration, "LEAST_MAILS", 10**9)


@pytest.fixture
def readers(shop):
    """`readers(n)`: an audience of n people, whom no other has."""
    return lambda n: make_people(shop, n, outcome=uuid4().hex)


@pytest.fixture
def letter(shop, readers, site):
    """`letter(body=…)`: a draft to three people, or to an `audience`."""

    def make(audience=None, **parts):
        draft = Broadcast.create(
            team=shop.row,
            audience=audience or readers(3).audience,
            sender=shop.sender,
            name="Spring",
            track_clicks=parts.pop("track_clicks", True),
        )
        content = {
            "subject": "Spring is here",
            "preheader": "Three teas and a recipe.",
            "body": GOOD_BODY,
        } | parts
        content["body"] = content["body"].replace("SITE", site.url)
        Variant.create(
            broadcast=draft, content=Content.create(team=shop.row, kind="html", **content), weight=100
        )
        return draft

    return make


@pytest.fixture
def check(letter):
    """`check("links_alive", body=…)`: what that check says of such a letter, as (status, message, where)."""

    def made(name, **parts):
        rehearsal = checks.Rehearsal(letter(**parts))
        found = checks._made(name, checks.CHECKS[name], rehearsal)
        return [(str(each.status), each.message, each.where) for each in found]

    return made
