import quopri

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecars.mail.quoted_printable import BOUNDARY, JOIN, encode

AWKWARD = [
    "From ",
    ".",
    "..",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "=",
    "=_kibamail",
    "x" * 74,
    "x" * 76,
    "ä",
    "\0",
    "…" * 30,
    " " * 80,
]
texts = st.lists(st.sampled_from(AWKWARD) | st.text(max_size=20), max_size=12).map("".join)


def read_back(octets: bytes) -> str:
    return quopri.decodestring(octets).replace(b"\r\n", b"\n").decode("utf-8")


def as_sent(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines.encode("utf-8", "replace").decode("utf-8")


@settings(max_examples=200)
@given(st.lists(texts, min_size=1, max_size=4))
@example(["x" * 74 + " \n"])
@example(["x" * 76])
@example(["." * 200])
def test_pieces_in_any_number_read_back_as_their_text_together(pieces):
    octets = JOIN.join(encode(piece) for piece in pieces) + JOIN

    assert read_back(octets) == "".join(map(as_sent, pieces))
    for line in octets.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert b"\n" not in line
        assert b"\r" not in line
    assert BOUNDARY.encode() not in octets


@pytest.mark.parametrize(
    ("text", "octets"), [("a", b"a"), ("ü", b"=C3=BC"), ("=", b"=3D"), ("a\nb", b"a\r\nb"), ("\ud800", b"?")]
)
def test_plain_cases(text, octets):
    assert encode(text) == octets
