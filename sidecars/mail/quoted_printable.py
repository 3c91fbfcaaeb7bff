"""Quoted-printable (RFC 2045 §6.7) in pieces that can be joined in any order.

A piece starts on a fresh line and its last line leaves room for the `=` of a soft break, so shared
text and values join with JOIN between them and no line passes 76 characters. No line begins with a
dot or with `From `: there is nothing to stuff on the way (RFC 5321 §4.5.2), and nothing that a
mailbox file would change under a signature.
"""

import re
from binascii import b2a_qp

JOIN = b"=\r\n"
# `=_` never stands in quoted-printable, so no part can hold this boundary (RFC 2045 §6.7, note).
BOUNDARY = "=_kibamail"

_SOFT_BREAK = b"=\n"
_LINE = 75
_DOTS = re.compile(rb"^\.+", re.MULTILINE)
_FROM = re.compile(rb"^F(?=rom )", re.MULTILINE)


def encode(text: str) -> bytes:
    """`text` in UTF-8, each of its line ends (LF, CR LF or CR) as CR LF; lone surrogates become `?`."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    encoded = b2a_qp(plain)
    if encoded.startswith(b".") or b"\n." in encoded:
        encoded = _DOTS.sub(lambda dots: (b"=2E" + _SOFT_BREAK) * len(dots[0]), encoded)
    if b"From " in encoded:
        encoded = _FROM.sub(b"=46" + _SOFT_BREAK, encoded)
    lines = encoded.split(b"\n")
    if len(lines[-1]) > _LINE or max(map(len, lines)) > _LINE + 1:
        encoded = b"\n".join(_broken(line) for line in lines)
    return encoded.replace(b"\n", b"\r\n")


def _broken(line: bytes) -> bytes:
    """A line that binascii made too long (by a blank that it escapes at the end, or a last one) as two."""
    if len(line) <= _LINE:
        return line
    end = _LINE - 3
    while b"=" in line[end - 2 : end]:
        end -= 1
    return line[:end] + _SOFT_BREAK + line[end:]
