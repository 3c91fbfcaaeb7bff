"""Each rule over the wire. Recipients at outcome.example name what is to happen to them."""

import smtplib
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulator.world import MESSAGE_ID, TOKEN, mail
from tests.support import wait_for

VERP = f"b-{TOKEN}@kb.acme.example"


def only_fact(world, recipient):
    facts = wait_for(lambda: world.receipts(recipient))
    assert len(facts) == 1
    return facts[0]


class Wire:
    """A connection spoken by hand, to see exactly what is answered."""

    def __init__(self, world, host="127.0.0.1"):
        self.socket = socket.create_connection((host, world.port("smtp")), timeout=10)
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def replies(self, number):
        """Codes of the next replies, b"" where the connection has ended."""
        codes = []
        while len(codes) < number:
            line = self.lines.readline()
            if line[3:4] != b"-":
                codes.append(line[:3])
        return codes


def test_it_offers_what_it_speaks(world):
    with world.connect() as smtp:
        assert {"pipelining", "size", "8bitmime", "smtputf8", "enhancedstatuscodes", "starttls"} == set(
            smtp.esmtp_features
        )
        assert smtp.esmtp_features["size"] == "26214400"


def test_a_mail_is_accepted_once_with_its_ids(world):
    world.deliver("accept.once@outcome.example")
    fact = only_fact(world, "accept.once@outcome.example")
    assert fact["kind"] == "accepted"
    assert (fact["message_id"], fact["broadcast_id"], fact["contact_id"]) == (MESSAGE_ID, 7, 42)
    assert (fact["provider"], fact["code"], fact["attempt"]) == ("outcome", 250, 1)


def test_a_second_copy_is_written_too(world):
    for _ in range(2):
        world.deliver("accept.twice@outcome.example")
    assert world.kinds("accept.twice@outcome.example") == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("outcome", "kind", "code", "text"),
    [
        ("unknown_user", "refused", 550, b"5.1.1"),
        ("mailbox_full", "deferred", 452, b"4.2.2"),
        ("greylist", "deferred", 451, b"4.7.1"),
        ("rate_limit", "deferred", 421, b"4.7.0"),
    ],
)
def test_what_is_refused_at_rcpt_is_known_by_the_return_path(world, outcome, kind, code, text):
    recipient = f"{outcome}.rcpt@outcome.example"
    with world.connect() as smtp, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        smtp.sendmail(VERP, [recipient], mail(recipient))
    answer = refused.value.recipients[recipient]
    assert answer[0] == code
    assert answer[1].startswith(text)
    fact = only_fact(world, recipient)
    assert (fact["kind"], fact["code"], fact["text"]) == (kind, code, answer[1].decode())
    assert (fact["message_id"], fact["broadcast_id"]) == (MESSAGE_ID, None)


def test_policy_refuses_after_the_mail_is_read(world):
    recipient = "policy@outcome.example"
    with world.connect() as smtp, pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail(VERP, [recipient], mail(recipient))
    assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (554, b"5.7.1")
    fact = only_fact(world, recipient)
    assert (fact["kind"], fact["broadcast_id"]) == ("refused", 7)


@pytest.mark.parametrize(
    "outcome", ["greylist", "rate_limit", "drop_rcpt", "drop_data", "drop_body", "drop_dot"]
)
def test_a_passing_outcome_lets_the_second_attempt_through(world, outcome):
    recipient = f"{outcome}.passing@outcome.example"
    with pytest.raises((smtplib.SMTPException, ConnectionError)):
        world.deliver(recipient, sender=VERP)
    world.deliver(recipient, sender=VERP)
    first = "dropped" if outcome.startswith("drop") else "deferred"
    assert world.kinds(recipient) == [first, "accepted"]
    assert [fact["attempt"] for fact in world.receipts(recipient)] == [1, 2]


def test_attempts_are_counted_for_each_mail(world):
    recipient = "greylist.each@outcome.example"
    for sender in ("b-1@kb.acme.example", "b-2@kb.acme.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            world.deliver(recipient, sender=sender)


@pytest.mark.parametrize(
    ("outcome", "answered"),
    [("drop_rcpt", 3), ("drop_data", 4), ("drop_body", 5), ("drop_dot", 5)],
)
def test_the_connection_ends_at_the_chosen_step_without_a_reply(world, outcome, answered):
    recipient = f"{outcome}.step@outcome.example"
    steps = [b"EHLO edge.test\r\n", b"MAIL FROM:<a@b.example>\r\n", f"RCPT TO:<{recipient}>\r\n".encode()]
    steps += [b"DATA\r\n", b"Subject: x\r\n\r\n" + 100 * b"line\r\n" + b".\r\n"]
    with Wire(world) as wire:
        codes = wire.replies(1)
        for step in steps:
            wire.send(step)
            codes += wire.replies(1)
            if codes[-1] == b"":
                break
    assert codes.index(b"") == answered
    assert only_fact(world, recipient)["kind"] == "dropped"


def test_a_mail_dropped_after_the_dot_is_gone(world):
    recipient = "drop_dot.gone@outcome.example"
    with pytest.raises(smtplib.SMTPServerDisconnected):
        world.deliver(recipient, sender=VERP)
    assert world.kinds(recipient) == ["dropped"]
    listed = world.call("GET", "/mails?limit=1000")[1]["mails"]
    assert recipient not in [listed_mail["recipient"] for listed_mail in listed]


@pytest.mark.parametrize(("step", "answered"), [("connect", 0), ("helo", 1), ("mail", 2)])
def test_a_provider_can_drop_connections_before_a_recipient_is_known(start, rules, step, answered):
    world = start(rules=rules(f"drops = {{ {step} = 1.0 }}"))
    with Wire(world, "127.0.25.77") as wire:
        codes = wire.replies(1)
        for command in (b"EHLO edge.test\r\n", b"MAIL FROM:<a@b.example>\r\n"):
            if codes[-1]:
                wire.send(command)
                codes += wire.replies(1)
    assert codes.index(b"") == answered


def test_a_slow_recipient_keeps_the_sender_waiting(world):
    began = time.monotonic()
    world.deliver("slow@outcome.example")
    assert time.monotonic() - began > 0.5
    assert world.kinds("slow@outcome.example") == ["accepted"]


def test_a_provider_with_latency_pauses_before_each_reply(start, rules):
    world = start(rules=rules("latency_ms = [100, 100]"))
    began = time.monotonic()
    with world.connect("127.0.25.77") as smtp:
        smtp.sendmail("a@b.example", ["x@only.example"], mail("x@only.example"))
    assert time.monotonic() - began > 0.6
    assert world.kinds("x@only.example") == ["accepted"]


def test_a_provider_without_tls_or_smtputf8_does_not_offer_them(world):
    with world.connect("127.0.25.13") as smtp:
        assert smtp.has_extn("pipelining")
        assert not smtp.has_extn("starttls")
        assert not smtp.has_extn("smtputf8")
        assert smtp.docmd("STARTTLS")[0] == 502


def test_mail_arrives_over_tls(world):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with world.connect("127.0.25.1") as smtp:
        smtp.starttls(context=context)
        smtp.ehlo()
        assert not smtp.has_extn("starttls")
        for number in range(3):
            smtp.sendmail("a@b.example", [f"accept.tls{number}@outcome.example"], mail("x@y.example"))
    for number in range(3):
        assert world.kinds(f"accept.tls{number}@outcome.example") == ["accepted"]


def test_what_was_sent_before_the_handshake_is_not_obeyed_after_it(world):
    with Wire(world) as wire:
        wire.send(b"EHLO edge.test\r\nSTARTTLS\r\nMAIL FROM:<injected@b.example>\r\n")
        assert wire.replies(3) == [b"220", b"250", b"220"]
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(wire.socket) as encrypted:
            encrypted.sendall(b"NOOP\r\n")
            assert encrypted.recv(100).startswith(b"250 2.0.0")


def test_commands_can_come_in_one_piece_or_byte_by_byte(world):
    dialogue = (
        b"EHLO edge.test\r\nMAIL FROM:<a@b.example> BODY=8BITMIME\r\nRCPT TO:<{}@outcome.example>\r\nDATA\r\n"
    )
    for local, size in ((b"accept.whole", 10_000), (b"accept.bytes", 1)):
        data = dialogue.replace(b"{}", local) + b"Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n"
        with Wire(world) as wire:
            for start in range(0, len(data), size):
                wire.send(data[start : start + size])
            assert wire.replies(7) == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
        assert world.kinds(f"{local.decode()}@outcome.example") == ["accepted"]


@pytest.mark.parametrize(
    "body",
    [
        b"..\r\n",
        b".\r\n..\r\n...\r\n",
        b"a.b\r\n.c\r\n",
        b"\r\n.\r\n\r\n",
        b"bare\nline\r\n",
        b"\x00\xff\xfe\r\n",
    ],
)
def test_dots_are_unstuffed_and_nothing_else_is_changed(world, body):
    recipient = f"accept.{body.hex()}@outcome.example"
    raw = b"Subject: dots\r\n\r\n" + body
    stuffed = raw.replace(b"\r\n.", b"\r\n..")
    with Wire(world) as wire:
        wire.send(f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode())
        wire.replies(5)
        wire.send(stuffed + b".\r\n")
        assert wire.replies(1) == [b"250"]
    received = world.call("GET", "/mails?limit=1000")[1]["mails"]
    (found,) = [mail for mail in received if mail["recipient"] == recipient]
    assert world.get(f"/mails/{found['id']}/raw") == raw


def test_a_mail_that_begins_with_a_dot_or_is_empty_ends_where_it_should(world):
    for raw in (b"..first: line\r\n\r\nx\r\n.\r\n", b".\r\n"):
        with Wire(world) as wire:
            wire.send(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<accept.edge@outcome.example>\r\nDATA\r\n" + raw)
            assert wire.replies(6)[-1] == b"250"
    last = world.call("GET", "/mails?limit=1000")[1]["mails"][-2:]
    assert [world.get(f"/mails/{found['id']}/raw") for found in last] == [b".first: line\r\n\r\nx\r\n", b""]


def test_each_recipient_of_a_mail_has_a_receipt_of_its_own(world):
    recipients = [f"accept.of{number}@outcome.example" for number in range(3)]
    with world.connect() as smtp:
        refused = smtp.sendmail(
            "a@b.example", [*recipients, "unknown_user.of@outcome.example"], mail("x@y.example")
        )
    assert list(refused) == ["unknown_user.of@outcome.example"]
    for recipient in recipients:
        assert world.kinds(recipient) == ["accepted"]


def test_one_recipient_whose_connection_drops_loses_the_mail_for_all(world):
    recipients = ["accept.beside@outcome.example", "drop_dot.beside@outcome.example"]
    with world.connect() as smtp, pytest.raises(smtplib.SMTPServerDisconnected):
        smtp.sendmail("a@b.example", recipients, mail("x@y.example"))
    assert [world.kinds(recipient) for recipient in recipients] == [["dropped"], ["dropped"]]


def test_addresses_beyond_ascii_need_smtputf8_on_both_sides(world):
    old_server = next(
        f"company-{number}.example"
        for number in range(1000)
        if world.mx_of(f"company-{number}.example") == ["mail.attic.example"]
    )
    with world.connect() as smtp:
        smtp.sendmail(
            "a@b.example", ["ü@outcome.example"], mail("x@y.example"), ["SMTPUTF8", "BODY=8BITMIME"]
        )
        assert smtp.docmd("MAIL", "FROM:<a@b.example> SMTPUTF8")[0] == 250
        smtp.putcmd("RCPT", f"TO:<ü@{old_server}>".encode().decode("latin-1"))
        assert smtp.getreply()[0] == 553
    assert world.kinds("ü@outcome.example") == ["accepted"]


def test_a_domain_that_nobody_serves_is_not_relayed_for(world):
    with world.connect() as smtp, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        smtp.sendmail("a@b.example", ["x@elsewhere.invalid"], mail("x@y.example"))
    assert refused.value.recipients["x@elsewhere.invalid"][0] == 550
    assert only_fact(world, "x@elsewhere.invalid")["provider"] == "none"


def test_what_is_out_of_order_or_unknown_or_too_big_is_told_so(world):
    with world.connect() as smtp:
        assert smtp.docmd("RCPT", "TO:<a@outcome.example>")[0] == 503
        assert smtp.docmd("DATA")[0] == 503
        assert smtp.docmd("BDAT 10 LAST")[0] == 502
        assert smtp.docmd("MAIL", "FROM:<a@b.example> SIZE=26214401")[0] == 552
        assert smtp.docmd("MAIL", "FROM a@b.example")[0] == 501
        assert smtp.docmd("MAIL", "FROM:<a@b.example>")[0] == 250
        assert smtp.docmd("MAIL", "FROM:<a@b.example>")[0] == 503
        assert smtp.rset()[0] == 250
        assert smtp.noop()[0] == 250


def test_a_body_beyond_the_size_is_refused_and_the_connection_goes_on(world):
    with world.connect() as smtp:
        smtp.mail("a@b.example")
        smtp.rcpt("accept.big@outcome.example")
        code, text = smtp.data(b"x" * 70 + b"\r\n" + (b"y" * 998 + b"\r\n") * 26_300)
        assert (code, text[:5]) == (552, b"5.3.4")
        assert smtp.mail("a@b.example")[0] == 250
    assert world.kinds("accept.big@outcome.example") == []


def test_a_line_without_end_is_cut_off(world):
    with Wire(world) as wire:
        wire.send(b"x" * 5000)
        assert wire.replies(3) == [b"220", b"500", b""]


def test_many_connections_at_once_lose_nothing(world):
    def send(number):
        with world.connect() as smtp:
            for mail_number in range(10):
                recipient = f"accept.many{number}x{mail_number}@outcome.example"
                smtp.sendmail("a@b.example", [recipient], mail(recipient, broadcast_id=99))

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(send, range(20)))
    facts = world.receipts(broadcast_id=99, kind="accepted")
    assert len({fact["recipient"] for fact in facts}) == len(facts) == 200
