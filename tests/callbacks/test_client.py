"""Where events are never sent to, whatever a name leads to and however it is written."""

import asyncio
import socketserver
import threading

import dns.message
import dns.rrset
import pytest

from sidecars.callbacks import client
from sidecars.callbacks.client import Client
from sidecars.callbacks.client import client as connected_client
from sidecars.settings import settings

PRIVATE = "is an address of a private network"


class Names(socketserver.ThreadingUDPServer):
    """A DNS server; `answers` has for a name and type the addresses of each question, the last for ever."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        super().__init__(("127.0.0.1", 0), _Question)


class _Question(socketserver.BaseRequestHandler):
    def handle(self):
        data, socket = self.request
        question = dns.message.from_wire(data)
        (asked,) = question.question
        name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        self.server.asked.append((name, kind))
        answer = dns.message.make_response(question)
        turns = self.server.answers.get((name, kind), [[]])
        addresses = turns.pop(0) if len(turns) > 1 else turns[0]
        if addresses:
            answer.answer.append(dns.rrset.from_text(asked.name, 0, "IN", kind, *addresses))
        socket.sendto(answer.to_wire(), self.client_address)


@pytest.fixture
def names(monkeypatch):
    with Names() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        from sidecars.deliverability import dns_lookup

        asked = f"127.0.0.1:{server.server_address[1]}"
        monkeypatch.setattr(dns_lookup, "settings", settings.model_copy(update={"dns_servers": asked}))
        yield server
        server.shutdown()


@pytest.fixture
def strict(monkeypatch):
    """As it is set by default: no private addresses."""
    monkeypatch.setattr(client, "settings", settings.model_copy(update={"courier_private": False}))


def post(*urls):
    """The replies to a request to each, by one client."""

    async def ask():
        async with connected_client(at_once=1) as http:
            assert isinstance(http, Client)
            return [await http.post(url, "{}", {"webhook-id": "evt_1"}) for url in urls]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "10.1.2.3",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
    ],
)
def test_an_address_of_a_private_network_is_not_asked(strict, receiver, host):
    before = len(receiver.requests)
    (reply,) = post(f"http://{host}:{receiver.port}/ok")
    assert (reply.status, PRIVATE in reply.error) == (0, True), reply
    assert len(receiver.requests) == before


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost"])
def test_other_ways_to_write_loopback_are_names_that_no_dns_has(strict, names, receiver, host):
    before = len(receiver.requests)
    (reply,) = post(f"http://{host}:{receiver.port}/ok")
    assert reply.status == 0
    assert reply.error
    assert len(receiver.requests) == before


def test_a_name_that_leads_to_a_private_address_is_refused(strict, names, receiver):
    names.answers = {("in.example", "A"): [["127.0.0.1"]], ("six.example", "AAAA"): [["::1"]]}
    replies = post(*(f"http://{name}:{receiver.port}/ok" for name in ("in.example", "six.example")))
    assert [PRIVATE in reply.error for reply in replies] == [True, True], replies


def test_a_name_that_is_bound_anew_between_check_and_connection_gains_nothing(
    strict, names, receiver, monkeypatch
):
    """The first answer passes for public, and nobody is there; the next one leads to the receiver."""
    names.answers = {("rebinds.example", "A"): [["127.0.0.2"], ["127.0.0.1"]]}
    before = len(receiver.requests)
    checked = []
    monkeypatch.setattr(client, "is_public", lambda ip: checked.append(ip) or ip == "127.0.0.2")
    url = f"http://rebinds.example:{receiver.port}/ok"
    first, second = [post(url)[0] for _ in range(2)]
    assert checked == ["127.0.0.2", "127.0.0.1"]  # each that a socket was made for
    assert (first.status, second.status) == (0, 0)
    assert PRIVATE in second.error
    assert len(receiver.requests) == before


def test_of_several_addresses_the_private_ones_are_left_out(strict, names, receiver, monkeypatch):
    names.answers = {("both.example", "A"): [["10.0.0.1", "127.0.0.1"]]}
    monkeypatch.setattr(client, "is_public", lambda ip: ip == "127.0.0.1")  # as if that were public
    (reply,) = post(f"http://both.example:{receiver.port}/ok")
    assert reply.status == 200


def test_a_setting_lets_private_addresses_be_asked_for_trying_out(names, receiver):
    names.answers = {("in.example", "A"): [["127.0.0.1"]]}
    (reply,) = post(f"http://in.example:{receiver.port}/ok")
    assert reply.status == 200
