"""Header fields in ASCII, for text of any script (RFC 5322, RFC 2047)."""

import re
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

# RFC 2047 §2: an encoded word has at most 75 characters, 12 of them `=?utf-8?b?` and `?=`; 45 octets make 60.
_ENCODED_OCTETS = 45
# RFC 5322 §2.1.1 wants lines of 78 characters at most, RFC 2047 §2 of 76 where they hold an encoded word.
_LINE = 76
_FOLD = "\r\n "

# Lone surrogates too: no encoding has them, JSON's escapes do.
_NOT_IN_HEADERS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PLAIN = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
# RFC 5322 §3.2.3, without the two that an encoded word begins with.
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
# Name and address that fit a line with any field's name before them.
_SHORT = 60


def clean(text: str) -> str:
    """One line: each run of blanks, line ends and control characters is one space, none at the ends."""
    return _NOT_IN_HEADERS.sub(" ", text).strip()


def unstructured(text: str, name_length: int) -> str:
    """The value of a field such as Subject, folded; `name_length` counts name, colon and blank."""
    room = _LINE - name_length
    if not _PLAIN.fullmatch(text):
        text = clean(text)
    if text.isascii() and "=?" not in text and (folded := _fold(text, room)) is not None:
        return folded
    return _encoded_words(text, room)


def mailbox(name: str, address: str, name_length: int) -> str:
    """`name <address>` as in From and To, folded. The name may be any text; `address` must be checked."""
    if len(name) + len(address) < _SHORT and _ATOMS.fullmatch(name):
        return f"{name} <{address}>"
    name = clean(name)
    if not name:
        return address
    if len(name) > _LINE - name_length or "=?" in name or not name.isascii():
        phrase = _encoded_words(name, _LINE - name_length)
    elif _ATOMS.fullmatch(name):
        phrase = name
    else:
        phrase = '"' + name.replace("\\", r"\\").replace('"', r"\"") + '"'
    last_line = len(phrase) - (phrase.rfind("\n") + 1) + (0 if "\n" in phrase else name_length)
    blank = " " if last_line + len(address) + 3 <= _LINE else _FOLD
    return f"{phrase}{blank}<{address}>"


@lru_cache(maxsize=8)
def date(at: datetime) -> bytes:
    """The value of Date, in UTC; `at` must know its time zone. A slice of mails shares one `at`."""
    return format_datetime(at.astimezone(UTC)).encode("ascii")


def _encoded_words(text: str, first_line: int) -> str:
    """Base64 words, each of whole characters (RFC 2047 §5), one a line."""
    room = min(_ENCODED_OCTETS, (first_line - 12) // 4 * 3)
    octets = text.encode("utf-8", "replace")
    words = []
    while len(octets) > room:
        end = room
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        words.append(octets[:end])
        octets, room = octets[end:], _ENCODED_OCTETS
    words.append(octets)
    return _FOLD.join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in words)


def _fold(text: str, first_line: int) -> str | None:
    """`text` in lines, folded at its blanks; None where a word is longer than a line."""
    if len(text) <= first_line:
        return text
    lines, room = [], first_line
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line, room = word, _LINE - 1
        else:
            line = f"{line} {word}" if line else word
        if len(line) > room:
            return None
    return _FOLD.join([*lines, line])
