"""What the pool makes of an edge that answers badly. With the real edge: tests/broadcasts, tests/fanout."""

import asyncio
import ssl
import uuid
from collections.abc import Callable
from threading import Thread
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from infra.local.ports import free_ports
from sidecars.edge import submit
from sidecars.edge.batch import Outgoing
from sidecars.edge.messages import Attribution
from sidecars.edge.submit import EdgeConnectionPool, Status
from sidecars.mail.recipients import Recipient
from sidecars.mail.tokens import make_token
from tests.edge.batch_reader import read
from tests.mail.samples import AT, SECRET, compiled, content
from tests.support import wait_for

PASSWORD = "a password of the tests"
# A line that begins with a dot, as no mail of ours has one.
MAIL = compiled(content("<p>Hello {{ contact.first_name }}</p>"))
MAIL.shared = (*MAIL.shared[:-1], MAIL.shared[-1] + b".\r\n..\r\n")


class LongLines(SMTP):
    """A batch's lines of JSON may be longer than a mail's lines."""

    line_length_limit = 100_000


class Edge(Controller):
    """A server whose answers a test may change; remembers each document and counts connections."""

    def __init__(self, certificate: tuple[str, str], port: int) -> None:
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(*certificate)
        self.documents: list[bytes] = []
        self.headers: list[bytes] = []
        self.connections = 0
        self.on_mail: Callable[..., str] | None = None
        self.on_recipient: Callable[..., str] | None = None
        self.on_batch: Callable[..., str] | None = None
        super().__init__(self, hostname="127.0.0.1", port=port, ready_timeout=10)

    def factory(self) -> SMTP:
        return LongLines(
            self,
            tls_context=self.context,
            require_starttls=True,
            auth_required=True,
            authenticator=self._authenticate,
        )

    def _authenticate(self, server, session, envelope, mechanism, data):
        self.connections += 1
        known = (data.login, data.password) == (b"internal", PASSWORD.encode())
        return AuthResult(success=known, handled=False)

    def stop(self, no_assert: bool = False) -> None:
        """Once or twice."""
        if self._thread is not None:
            super().stop(no_assert)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.on_mail:
            return self.on_mail(address)
        envelope.mail_from = address
        return "250 sender ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.on_recipient:
            return self.on_recipient(address)
        envelope.rcpt_tos.append(address)
        return "250 recipient ok"

    async def handle_DATA(self, server, session, envelope):
        header, _, document = envelope.content.partition(b"\r\n\r\n")
        batch = read(document)
        if self.on_batch:
            return self.on_batch(server, batch)
        assert (envelope.mail_from, [each.split("@")[0] for each in envelope.rcpt_tos]) == ("<>", ["batch"])
        self.documents.append(document)
        self.headers.append(header)
        return answer(batch, f"0-{len(batch.mails) - 1} queued edge-7")

    def contact_ids(self) -> list[int]:
        """Of all mails taken, in order."""
        return [mail.line[1] for document in self.documents for mail in read(document).mails]


def answer(batch, *runs):
    last = f"250 batch {batch.head['id']} {len(batch.mails)}"
    return "\r\n".join([*(f"250-{run}" for run in runs), last])


@pytest.fixture
def certificate(stack):
    env = stack.own_env()
    return env["KIBA_TLS_CERT"], env["KIBA_TLS_KEY"]


@pytest.fixture
def edge(certificate):
    server = Edge(certificate, free_ports(["edge"])["edge"])
    server.start()
    yield server
    server.stop()


@pytest.fixture
def pool(edge):
    pool = EdgeConnectionPool("127.0.0.1", edge.port, PASSWORD)
    yield pool
    pool.close()


def mails(number, size=0):
    return [mail(contact_id, size) for contact_id in range(number)]


def mail(contact_id=0, size=0):
    reader = Recipient(uuid.uuid4(), contact_id, "person@people.example", first_name="x" * size)
    composed = MAIL.compose(reader, make_token(reader.message_id, SECRET), AT)
    return Outgoing(reader.message_id, Attribution(12, 7, contact_id, 0), MAIL, composed)


def statuses(results):
    return [result.status for result in results]


def test_a_batch_is_taken_as_it_was_written_and_the_next_goes_over_the_same_connection(edge, pool):
    sent = mails(50)
    results = pool.submit(sent)
    assert {(result.status, result.code, result.edge) for result in results} == {
        (Status.ACCEPTED, 250, "edge-7")
    }
    (document,) = edge.documents
    assert [mail.text for mail in read(document).mails] == [
        MAIL.assemble(mail.composed.values) for mail in sent
    ]
    assert edge.headers == [b"Content-Type: application/vnd.kibamail.batch; version=1"]
    assert statuses(pool.submit([mail()])) == [Status.ACCEPTED]
    assert edge.connections == 1


def test_each_mail_gets_the_answer_that_the_edge_gave_for_it(edge, pool):
    edge.on_batch = lambda _, batch: answer(
        batch,
        "0-1 queued edge-7",
        "2-2 duplicate edge-2",
        "3-3 refused 550 5.1.3 The recipient must be one plain address",
        "4-4 refused 451 4.3.0 Not now",
        "6-6 queued edge-7",
    )
    results = pool.submit(mails(8))
    assert statuses(results) == [
        *(Status.ACCEPTED, Status.ACCEPTED, Status.DUPLICATE, Status.REJECTED),
        *(Status.BUSY, Status.BUSY, Status.ACCEPTED, Status.BUSY),
    ]
    assert results[2].edge == "edge-2"
    assert (results[3].code, results[3].text) == (550, "5.1.3 The recipient must be one plain address")
    assert results[5].text == "the edge's answer leaves this mail out"


@pytest.mark.parametrize("runs", ["5-9 queued edge-7", "1-0 queued edge-7", "0-1 devoured edge-7", "hello"])
def test_an_answer_that_makes_no_sense_is_no_answer(edge, pool, runs):
    edge.on_batch = lambda _, batch: answer(batch, runs)
    assert statuses(pool.submit(mails(3))) == [Status.BUSY] * 3


@pytest.mark.parametrize("step", ["on_mail", "on_recipient", "on_batch"])
@pytest.mark.parametrize("reply", ["452 4.3.1 the spool is full", "554 5.6.0 no batch"])
def test_a_batch_that_is_not_taken_is_nobodys_fault_and_the_connection_goes_on(edge, pool, step, reply):
    setattr(edge, step, lambda *_: reply)
    results = pool.submit(mails(3))
    assert {(result.status, result.code, result.text) for result in results} == {
        (Status.BUSY, int(reply[:3]), reply[4:])
    }
    setattr(edge, step, None)
    assert statuses(pool.submit([mail()])) == [Status.ACCEPTED]
    assert edge.connections == 1


def test_a_slice_that_is_too_large_for_one_batch_goes_in_several(edge, pool, monkeypatch):
    monkeypatch.setattr(submit, "settings", SimpleNamespace(kiba_max_batch_bytes=60_000, edge_ca=""))
    results = pool.submit(mails(20, size=10_000))
    assert statuses(results) == [Status.ACCEPTED] * 20
    assert len(edge.documents) > 1
    assert edge.contact_ids() == list(range(20))


def test_a_mail_that_is_too_large_by_itself_is_rejected_and_holds_up_no_other(edge, pool, monkeypatch):
    monkeypatch.setattr(submit, "settings", SimpleNamespace(kiba_max_batch_bytes=60_000, edge_ca=""))

    def measure(server, batch):
        if sum(len(mail.text) for mail in batch.mails) > 60_000:
            return "552 5.3.4 above the limit"
        return answer(batch, f"0-{len(batch.mails) - 1} queued edge-7")

    edge.on_batch = measure
    results = pool.submit([mail(0), mail(1, size=100_000), mail(2)])
    assert statuses(results) == [Status.ACCEPTED, Status.REJECTED, Status.ACCEPTED]


def test_a_connection_lost_before_the_answer_is_busy_for_all_and_dialled_again(edge, pool):
    def lose(server, batch):
        server.transport.abort()
        return "250 never heard"

    edge.on_batch = lose
    results = pool.submit(mails(3))
    assert {(result.status, result.code) for result in results} == {(Status.BUSY, 0)}
    assert len(results) == 3
    edge.on_batch = None
    assert statuses(pool.submit([mail()])) == [Status.ACCEPTED]


def test_an_edge_that_says_goodbye_is_busy_and_dialled_again(edge, pool):
    edge.on_mail = lambda _: "421 4.3.2 shutting down"
    assert statuses(pool.submit([mail()])) == [Status.BUSY]
    edge.on_mail = None
    assert statuses(pool.submit([mail()])) == [Status.ACCEPTED]
    assert edge.connections == 2


def test_threads_that_submit_at_once_have_a_connection_each(edge, pool):
    results = []
    threads = [Thread(target=lambda: results.extend(pool.submit(mails(20)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses(results) == [Status.ACCEPTED] * 80
    assert edge.connections <= 4


def test_an_edge_that_was_restarted_costs_no_mail(edge, pool, certificate):
    assert statuses(pool.submit([mail()])) == [Status.ACCEPTED]
    edge.stop()
    successor = Edge(certificate, edge.port)
    successor.start()
    try:
        assert statuses(pool.submit([mail()])) == [Status.ACCEPTED]
    finally:
        successor.stop()


def test_an_edge_that_is_away_is_busy_at_once_and_asked_again_after_a_pause(edge, pool, certificate):
    edge.stop()
    results = [pool.submit([mail()])[0] for _ in range(5)]
    assert {(result.status, result.code) for result in results} == {(Status.BUSY, 0)}
    assert "next try in" in results[-1].text
    successor = Edge(certificate, edge.port)
    successor.start()
    try:
        wait_for(lambda: statuses(pool.submit([mail()])) == [Status.ACCEPTED])
    finally:
        successor.stop()


def test_a_wrong_password_is_the_operators_trouble_and_rejects_nobody(edge):
    pool = EdgeConnectionPool("127.0.0.1", edge.port, "wrong")
    (result,) = pool.submit([mail()])
    pool.close()
    assert result.status is Status.BUSY
    assert "535" in result.text
    assert edge.documents == []


def test_nothing_is_submitted_for_no_mails(edge, pool):
    assert pool.submit([]) == []
    assert edge.connections == 0


def test_closing_the_pool_ends_a_submission_that_hangs_and_dials_no_more(edge, monkeypatch):
    monkeypatch.setattr(submit, "TIMEOUT_SECONDS", 60)

    async def hang(server, session, envelope):
        await asyncio.Event().wait()

    monkeypatch.setattr(edge, "handle_DATA", hang)
    pool = EdgeConnectionPool("127.0.0.1", edge.port, PASSWORD)
    results = []
    hanging = Thread(target=lambda: results.extend(pool.submit([mail()])))
    hanging.start()
    wait_for(lambda: pool._open and not pool._idle)
    pool.close()
    hanging.join(timeout=10)
    assert statuses(results) == [Status.BUSY]
    assert statuses(pool.submit([mail()])) == [Status.BUSY]
    assert edge.connections == 1
