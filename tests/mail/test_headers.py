import email
import re
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.mail.headers import clean, date, mailbox, unstructured
from tests.mail.samples import HOSTILE, NAMES

TEXTS = {**NAMES, **HOSTILE, "surrogate": "a\ud800b"}


def parsed(field: str):
    return email.message_from_string(f"{field}\r\n\r\n", policy=policy.default)


def assert_well_formed(field: str) -> None:
    """Printable ASCII; lines within RFC 5322 §2.1.1 and RFC 2047 §2, each but the first a continuation."""
    first, *rest = field.split("\r\n")
    for line in (first, *rest):
        assert re.fullmatch(r"[ -~]*", line)
        assert len(line) <= (76 if "=?" in line else 78)
        assert line.strip()
    assert all(line.startswith(" ") for line in rest)
    assert all(len(word) <= 75 for word in re.findall(r"=\?utf-8\?b\?\S*\?=", field))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_subjects_of_every_script_read_back_the_same(text):
    field = f"Subject: {unstructured(text, 9)}"

    assert_well_formed(field)
    expected = clean(text).encode("utf-8", "replace").decode("utf-8")
    assert parsed(field)["subject"] == expected
    assert parsed(field).keys() == ["Subject"]


@given(st.text(max_size=200))
def test_any_text_at_all_is_one_subject(text):
    field = f"Subject: {unstructured(text, 9)}"

    assert_well_formed(field)
    assert str(parsed(field)["subject"]) == clean(text).encode("utf-8", "replace").decode("utf-8")


@pytest.mark.parametrize("name", TEXTS.values(), ids=TEXTS)
def test_names_of_every_script_stand_before_their_address(name):
    field = f"To: {mailbox(name, 'maria@mail.example', 4)}"

    assert_well_formed(field)
    (address,) = parsed(field)["to"].addresses
    assert address.addr_spec == "maria@mail.example"
    # Python's newer parser puts blanks between encoded words of a name; the older one reads them right.
    shown = str(make_header(decode_header(field[4:].replace("\r\n", ""))))
    unquoted = address.display_name if "=?" not in field else shown.rpartition("<")[0].strip()
    assert unquoted == clean(name).encode("utf-8", "replace").decode("utf-8")


@given(st.text(max_size=120))
def test_no_name_adds_an_address(name):
    field = f"To: {mailbox(name, 'maria@mail.example', 4)}"

    assert_well_formed(field)
    assert [address.addr_spec for address in parsed(field)["to"].addresses] == ["maria@mail.example"]


def test_encoded_words_hold_whole_characters():
    words = re.findall(r"=\?utf-8\?b\?(\S*)\?=", unstructured("👩🏽‍🚀é" * 40, 9))

    assert len(words) > 5
    for word in words:
        assert make_header(decode_header(f"=?utf-8?b?{word}?="))


def test_long_subjects_in_ascii_are_folded_at_blanks_and_stay_readable():
    text = "one more word " * 20

    assert "=?" not in unstructured(text, 9)
    assert parsed(f"Subject: {unstructured(text, 9)}")["subject"] == text.strip()


def test_a_recipient_without_a_name_is_an_address():
    assert mailbox(" \r\n", "maria@mail.example", 4) == "maria@mail.example"


def test_dates_are_in_utc():
    at = datetime(2026, 11, 24, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert date(at) == b"Mon, 23 Nov 2026 20:00:00 +0000"
    assert date(datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC)) == b"Tue, 24 Nov 2026 09:30:05 +0000"
