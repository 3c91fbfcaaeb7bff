"""The far end of every comparison counts right: what it miscounted, no other check would find."""

import smtplib
import socket
import ssl

import pytest

from bench.edge import sink as sinks
from bench.edge.world import ADDRESSES
from tests.support import wait_for

MAIL = "From: a@news.example\r\nMessage-ID: <{}@news.example>\r\nSubject: Hello\r\n\r\n{}\r\n"
FIRST, SECOND = list(ADDRESSES.values())[:2]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return sinks.build(tmp_path_factory.mktemp("sink"))


@pytest.fixture
def client():
    """Opens sessions, and ends them."""
    opened = []

    def connect(sink, address=FIRST):
        opened.append(smtplib.SMTP(address, sink.port, timeout=10))
        return opened[-1]

    yield connect
    for session in opened:
        session.close()


def send(session, number, text="Hello."):
    session.sendmail("b@kb.news.example", ["reader@mailbox1.example"], MAIL.format(number, text).encode())


def test_mails_are_counted_on_every_address_and_told_apart_by_message_id(program, tmp_path, client):
    with sinks.Sink(program, tmp_path) as sink:
        here, there = client(sink), client(sink, SECOND)
        for number in range(3):
            send(here, number)
        send(there, 0)
        counts = sink.counts()
    assert (counts.received, counts.unique, counts.connections) == (4, 3, 2)
    assert counts.first_at < counts.last_at


def test_commands_sent_in_one_write_are_answered_in_their_order(program, tmp_path):
    with sinks.Sink(program, tmp_path) as sink:
        with socket.create_connection((FIRST, sink.port), timeout=10) as peer:
            replies = peer.makefile("rb")
            mail = b"MAIL FROM:<a@news.example>\r\nRCPT TO:<b@mailbox1.example>\r\nDATA\r\n"
            text = MAIL.format(1, "..").encode() + b".\r\n"
            peer.sendall(mail + text + mail + b".\r\n" + b"QUIT\r\n")
            codes = [line[:3] for line in replies]
        counts = sink.counts()
    assert codes == [b"220", b"250", b"250", b"354", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert (counts.received, counts.unique) == (2, 2)


def test_a_mail_in_pieces_is_one_mail(program, tmp_path):
    with sinks.Sink(program, tmp_path) as sink:
        with socket.create_connection((FIRST, sink.port), timeout=10) as peer:
            replies = peer.makefile("rb")
            script = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@mailbox1.example>\r\nDATA\r\n"
            for octet in script + MAIL.format(1, "A dot:\r\n..").encode() + b".\r\n":
                peer.sendall(bytes([octet]))
            codes = [replies.readline()[:3] for _ in range(5)]
        counts = sink.counts()
    assert codes[-1] == b"250"
    assert counts.received == 1


def test_starttls_sessions_are_resumed_by_their_tickets(program, tmp_path, client):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # whose ticket comes with the handshake
    with sinks.Sink(program, tmp_path, tls=True) as sink:
        assert client(sink).starttls(context=context)[0] == 220
        first = client(sink)
        first.starttls(context=context)
        send(first, 1)
        again = client(sink)
        again.ehlo()
        again.docmd("STARTTLS")
        again.sock = context.wrap_socket(again.sock, session=first.sock.session)
        again.file = None
        send(again, 2)
        counts = sink.counts()
    assert (counts.received, counts.handshakes, counts.resumed) == (2, 3, 1)


@pytest.mark.parametrize(("delay_ms", "answered"), [(20, True), (60_000, False)])
def test_a_mail_counts_at_its_dot_and_is_answered_later(program, tmp_path, delay_ms, answered):
    with (
        sinks.Sink(program, tmp_path, delay_ms=delay_ms) as sink,
        socket.create_connection((FIRST, sink.port), timeout=10) as peer,
    ):
        replies = peer.makefile("rb")
        peer.sendall(b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@mailbox1.example>\r\nDATA\r\n.\r\n")
        for _ in range(4):
            replies.readline()
        wait_for(lambda: sink.counts().received == 1)
        if answered:
            assert replies.readline().startswith(b"250 ")
        else:
            peer.setblocking(False)
            with pytest.raises(BlockingIOError):
                peer.recv(1, socket.MSG_PEEK)


def test_a_captured_mail_is_whole_and_has_its_envelope(program, tmp_path, client):
    from bench.edge.correctness import captured, unstuffed

    file = tmp_path / "captured"
    with sinks.Sink(program, tmp_path, capture=file) as sink:
        session = client(sink)
        for number in (1, 2):
            send(session, number, ".a line with a dot")
        sink.counts()
        first, second = captured(file)
        content = file.read_bytes()[second.offset :][: second.length]
    assert (first.sender, first.recipient) == ("b@kb.news.example", "reader@mailbox1.example")
    assert unstuffed(content).decode() == MAIL.format(2, ".a line with a dot")
