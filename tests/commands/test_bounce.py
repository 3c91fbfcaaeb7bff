"""`./kiba bounce classify` prints a line for each mail, wherever it lies."""

import json

import pytest
from click.testing import CliRunner

from sidecars.commands.bounce import bounce
from tests.raw_events import dsn

RETURNED = dsn("failed", "5.1.1", "550 5.1.1 user unknown")
LETTER = b"From: ann@people.example\r\nSubject: Re: Spring\r\n\r\nThanks!\r\n"


def classify(*arguments, given=None):
    done = CliRunner().invoke(bounce, ["classify", *map(str, arguments)], input=given)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_bounce_is_told_in_one_line(tmp_path):
    (tmp_path / "a.eml").write_bytes(RETURNED)

    (line,) = classify(tmp_path / "a.eml")

    assert line == {
        "file": str(tmp_path / "a.eml"),
        "is_bounce": True,
        "recipients": [
            {
                "address": "person0@people.example",
                "kind": "hard",
                "status": "5.1.1",
                "diagnostic": "550 5.1.1 user unknown",
                "rule": "rfc3464: unknown-user-words",
            }
        ],
        "message_id": None,
    }


def test_a_letter_is_no_bounce(tmp_path):
    (tmp_path / "a.eml").write_bytes(LETTER)

    (line,) = classify(tmp_path / "a.eml")

    assert (line["is_bounce"], line["recipients"], line["message_id"]) == (False, [], None)


def test_a_folder_is_read_with_those_in_it(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/b.eml").write_bytes(RETURNED)
    (tmp_path / "a.eml").write_bytes(LETTER)

    assert [line["is_bounce"] for line in classify(tmp_path)] == [False, True]


def test_standard_input_is_read():
    (line,) = classify("-", given=RETURNED)

    assert (line["file"], line["is_bounce"]) == ("-", True)


def test_a_mailbox_holds_many_mails(tmp_path):
    mails = [
        b"From MAILER-DAEMON Tue Mar  3 09:00:00 2026\n" + mail.replace(b"\r\n", b"\n")
        for mail in (RETURNED, LETTER)
    ]
    (tmp_path / "in.mbox").write_bytes(b"\n".join(mails))

    lines = classify(tmp_path / "in.mbox")

    assert [line["is_bounce"] for line in lines] == [True, False]
    assert [line["file"].rpartition("#")[2] for line in lines] == ["1", "2"]


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff" * 5000, b"\xff\xfeF\x00r\x00", b"From x Tue Mar  3 09:00:00 2026"]
)
def test_what_is_no_mail_gets_a_line_too(tmp_path, raw):
    (tmp_path / "a").write_bytes(raw)

    (line,) = classify(tmp_path / "a")

    assert not line["is_bounce"]
