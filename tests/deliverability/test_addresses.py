"""What counts as an address, and the spelling in which it is kept."""

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.deliverability.addresses import AddressError, checked

LABEL = st.text("abcxyz019-_", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("Ada@Mail.Example", "ada@mail.example"),
        ("  ada@mail.example\n", "ada@mail.example"),
        ("ada.b+news@sub.mail.example", "ada.b+news@sub.mail.example"),
        ("o'brien@mail.example", "o'brien@mail.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("josé@mail.example", "josé@mail.example"),
        ("δοκιμή@παράδειγμα.example", "δοκιμή@xn--hxajbheg2az3al.example"),
        ("a@b.test", "a@b.test"),
    ],
)
def test_an_address_has_one_spelling(given_text, kept):
    assert checked(given_text) == kept
    assert checked(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@mail.example",
        "ada@mail",
        "ada@@mail.example",
        ".ada@mail.example",
        "ada.@mail.example",
        "a..b@mail.example",
        "ada@-mail.example",
        "ada@mail-.example",
        "ada@mail..example",
        "ada@localhost",
        "ada@printer.local",
        "ada b@mail.example",
        "ada@mail.example, bob@mail.example",
        "Ada <ada@mail.example>",
        '"ada"@mail.example',
        "ada@[192.0.2.1]",
        "ada@mail.example\r\nBcc: bob@mail.example",
        "x" * 65 + "@mail.example",
        "ada@" + "a" * 64 + ".example",
        "ada@" + "a-" * 32 + "a.example",
        "a@" + "b." * 126 + "example",
    ],
)
def test_what_cannot_be_mailed_is_refused_with_a_reason(text):
    with pytest.raises(AddressError) as error:
        checked(text)
    assert len(str(error.value)) > 10


@given(
    st.lists(LABEL, min_size=1, max_size=3).map(".".join),
    st.lists(LABEL, min_size=2, max_size=3).map(".".join),
)
def test_the_short_way_takes_nothing_that_the_library_refuses(local, domain):
    try:
        address = checked(f"{local}@{domain}")
    except AddressError:
        return
    parts = email_validator.validate_email(f"{local}@{domain}", check_deliverability=False)
    assert f"{parts.local_part}@{parts.ascii_domain}" == address
