"""Whatever a mail holds, what is parsed of it is bounded."""

from sidecars.deliverability.bounces import mime, read_mail

NOTICE = b"From: MAILER-DAEMON@mx.people.example\r\nSubject: Undelivered Mail\r\n"
REPORT = b"--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\n"
FAILED = b"Final-Recipient: rfc822; ann@people.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"


def depth(message):
    payload = message.get_payload()
    return 1 + max(map(depth, payload), default=0) if isinstance(payload, list) else 1


def test_a_large_mail_is_cut():
    assert len(mime.bounded(b"a\r\n" * 10_000_000)) <= mime.MAX_BYTES


def test_lines_and_fields_are_cut():
    long_line, long_field = b"X-A: " + b"a" * 50_000, b"X-B: b" + b"\n c" * 50_000

    assert max(map(len, mime.bounded(long_line).split(b"\n"))) <= mime.MAX_LINE
    assert len(mime.bounded(long_field)) <= mime.MAX_FIELD + 100


def test_nesting_is_cut():
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 20_000

    assert depth(mime.parse(NOTICE + nested)) <= mime.MAX_CONTAINERS + 1


def test_of_ten_thousand_parts_the_first_are_looked_at():
    parts = b"--x\r\nContent-Type: text/plain\r\n\r\na\r\n" * 10_000
    mail = NOTICE + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + parts + b"--x--"

    assert len(list(mime.own_parts(mime.parse(mail)))) <= mime.MAX_PARTS


def test_a_report_in_front_of_a_bomb_is_read():
    bomb = b"--x\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 20_000
    mail = NOTICE + b"Content-Type: multipart/report; boundary=x\r\n\r\n" + REPORT + FAILED + bomb

    assert [found.recipient for found in read_mail(mail).findings] == ["ann@people.example"]


def test_a_report_of_very_many_recipients_ends():
    mail = NOTICE + b"Content-Type: multipart/report; boundary=x\r\n\r\n" + REPORT + FAILED * 100_000

    assert 1 <= len(read_mail(mail).findings) <= 1_000


def test_a_report_that_is_cut_off_is_read():
    mail = NOTICE + b"Content-Type: multipart/report; boundary=x\r\n\r\n" + REPORT + FAILED[:-20]

    assert read_mail(mail).is_bounce


def test_a_wrong_charset_does_not_hide_the_words():
    mail = NOTICE + (
        b"Content-Type: text/plain; charset=no-such-charset\r\n\r\n"
        b"Could not be delivered:\r\n\r\n<ann@people.example>: 550 5.1.1 unbekannt \xfc\r\n"
    )

    (found,) = read_mail(mail).findings
    assert (found.recipient, found.failure) == ("ann@people.example", "hard")


def test_html_is_read_by_its_words():
    assert mime.without_tags("<style>p {}</style><p>a&lt;b@c.example&gt;<br>d</p>").split() == [
        "a<b@c.example>",
        "d",
    ]


def test_a_charset_that_no_codec_takes_does_not_stop_the_reading():
    mail = (
        NOTICE
        + b"Content-Type: text/plain; charset=\x00\r\n\r\n\xe4 <ann@people.example>: 550 User unknown\r\n"
    )

    assert read_mail(mail).is_bounce
