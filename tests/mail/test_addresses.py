import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.mail.addresses import bounce_address, envelope_address, unsubscribe_address
from sidecars.mail.errors import Unsendable
from tests.mail.samples import TOKEN


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example",
        "first.middle.last@a-b.c.example",
        "o'hara+news=kiba@a.example",
        "!#$%&'*+-/=?^_`{|}~@a.example",
        '"a b"@a.example',
        '"a@b"@a.example',
        '"a\\"b"@a.example',
        "x" * 64 + "@a.example",
        "a@localhost",
        "A@EXAMPLE.example",
        "a@xn--bcher-kva.example",
    ],
)
def test_addresses_in_ascii_stay_as_they_are(address):
    assert envelope_address(address) == (address, False)


@pytest.mark.parametrize(
    ("address", "envelope"),
    [
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@例え.example", "a@xn--r8jz45g.example"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
    ],
)
def test_domains_become_a_labels(address, envelope):
    assert envelope_address(address) == (envelope, False)


@pytest.mark.parametrize(
    ("address", "envelope"),
    [
        ("jürgen@a.example", "jürgen@a.example"),
        ("用户@例え.example", "用户@xn--r8jz45g.example"),
        ("محمد@a.example", "محمد@a.example"),
    ],
)
def test_other_local_parts_need_smtputf8(address, envelope):
    assert envelope_address(address) == (envelope, True)


@pytest.mark.parametrize(
    "address",
    [
        "", "a", "@", "a@", "@b.example", "a@b@c.example", "a..b@c.example", ".a@c.example", "a.@c.example",
        "a b@c.example", "a@b c.example", "a@-b.example", "a@b..example", "a@b.example.", "a@[127.0.0.1]",
        "a@b_c.example", "<a@b.example>", "a@b.example>", "A <a@b.example>", "a,b@c.example",
        "(x)a@b.example", "a@b.example\r\nBcc: x@y.example", "a\r\n@b.example", '"\r\n"@b.example',
        "a@b.example\n", "ü\u2028@b.example",
        "\ud800@b.example", "ü ü@b.example", "x" * 65 + "@b.example", "ü" * 33 + "@b.example",
        "a@" + "b" * 64 + ".example", "a@" + "b." * 130 + "example", "a@bü cher.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_not_sent_to(address):
    with pytest.raises(Unsendable):
        envelope_address(address)


@given(
    st.text(max_size=40).map(lambda text: f"{text}@b.example")
    | st.text(max_size=20).map(lambda text: f"a@{text}")
)
def test_what_passes_ends_no_line_and_no_command(address):
    try:
        envelope, _ = envelope_address(address)
    except Unsendable:
        return

    assert not re.search(r"[\x00-\x1f\x7f-\x9f<>\u2028\u2029\ud800-\udfff]", envelope.replace('"', ""))
    assert envelope.rpartition("@")[2].isascii()


def test_the_return_path_and_the_way_out_name_the_mail_in_64_characters():
    for address, prefix in (
        (bounce_address(TOKEN, "kb.a.example"), "b-"),
        (unsubscribe_address(TOKEN, "kb.a.example"), "u-"),
    ):
        assert address == f"{prefix}{TOKEN}@kb.a.example"
        assert len(address.partition("@")[0]) <= 64
        assert envelope_address(address) == (address, False)
