import quopri

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecars.mail.escaping import ESCAPES, as_text
from sidecars.mail.layout import Layout, Value
from sidecars.mail.values import Field
from tests.mail.samples import HOSTILE

PLACES = [(), ("in_html",), ("in_url",), ("in_url", "in_html"), ("in_url_start", "in_html"), ("in_css",)]


def field(key: str, *escapes: str) -> Field:
    return Field(key, lambda merge: merge.fields[key], escapes)


def escaped(value: object, escapes: tuple[str, ...]) -> str:
    for name in escapes:
        value = ESCAPES[name](value)
    return as_text(value)


def read_back(octets: bytes) -> str:
    return quopri.decodestring(octets).replace(b"\r\n", b"\n").decode("utf-8")


def as_sent(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")


@pytest.mark.parametrize("escapes", PLACES)
@given(value=st.text() | st.integers() | st.text("aZ09 .-_~!#%&'\"<=>/", max_size=90))
@example(value=HOSTILE["html"])
@example(value=HOSTILE["mailbox file"])
def test_the_short_way_for_plain_values_gives_what_the_long_one_does(escapes, value):
    octets = Value(0, escapes).octets(value)

    assert read_back(octets) == as_sent(escaped(value, escapes))
    assert all(len(line) <= 75 for line in octets.split(b"\r\n")[-1:])
    assert not octets.startswith((b".", b"From "))


def test_a_header_is_text_and_fixed_values():
    layout = Layout(fixed=2)
    layout.header("Message-ID", "<", 1, "@a.example>")

    assert layout.chunks == [b"Message-ID: <", b"@a.example>\r\n"]
    assert layout.slots == [1]


def test_one_field_in_two_places_is_looked_up_once_and_escaped_twice():
    layout = Layout(fixed=2)
    layout.body(["a", field("x"), field("x", "in_html"), field("x"), field("known")], {"known": 0})

    assert layout.slots == [2, 3, 2, 0]
    assert len(layout.values) == 2
    assert len(layout.raws) == 1


def test_each_value_stands_on_a_line_of_its_own():
    layout = Layout(fixed=0)
    layout.body(["line\n", field("x"), " and ", field("y"), "\nend"], {})

    assert layout.chunks == [b"line\r\n", b"=\r\n and=20=\r\n", b"=\r\n\r\nend"]
