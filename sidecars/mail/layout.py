"""Lays a mail out as bytes that all copies share and slots for each copy's own values."""

import re
from collections.abc import Callable, Iterable, Sequence

from sidecars.mail import quoted_printable
from sidecars.mail.escaping import ESCAPES, as_text
from sidecars.mail.quoted_printable import JOIN
from sidecars.mail.values import Field, Piece, Raw


class Value:
    """What becomes of a field's value in its place.

    Most values are a name or a number, which neither escaping nor encoding changes; one look at the
    characters tells.
    """

    __slots__ = ("_escapes", "_is_inert", "number")

    def __init__(self, number: int, escapes: Sequence[str]) -> None:
        self.number = number
        self._escapes = tuple(ESCAPES[name] for name in escapes)
        self._is_inert = _inert(escapes)

    def octets(self, value: object) -> bytes:
        """`value` escaped and in quoted-printable."""
        text = value if isinstance(value, str) else as_text(value)
        if self._is_inert(text):
            return text.encode("ascii")
        for escape in self._escapes:
            text = escape(text)
        return quoted_printable.encode(text)


def _inert(escapes: Sequence[str]) -> Callable[[str], re.Match[str] | None]:
    """Matches text of one line that none of `escapes`, nor quoted-printable, would change."""
    if any(name.startswith("in_url") for name in escapes):
        characters = "[A-Za-z0-9_.-]"
    elif "in_css" in escapes:
        characters = "[A-Za-z0-9#%.,_/ -]"
    elif "in_html" in escapes:
        characters = r"[ !#-%(-;?-~]"
    else:
        characters = "[ -<>-~]"
    return re.compile(rf"(?!\.|From ){characters}{{0,75}}").fullmatch


class Layout:
    """Grows from a mail's first byte to its last.

    `chunks` are the shared bytes; `slots[n]`, between `chunks[n]` and `chunks[n + 1]`, is the number of a
    value: below `fixed` one that the caller knows by number, above it one of `values`, each made from
    the field of its own number in `raws`.
    """

    def __init__(self, fixed: int) -> None:
        self.chunks = [bytearray()]
        self.slots: list[int] = []
        self.values: list[Value] = []
        self.raws: list[Raw] = []
        self._fixed = fixed
        self._fields: dict[str, int] = {}
        self._places: dict[tuple[str, tuple[str, ...]], int] = {}

    def header(self, name: str, *parts: str | int) -> None:
        """One field; each part is text that is ready to stand there, or the number of a fixed value."""
        for part in (f"{name}: ", *parts, "\r\n"):
            if isinstance(part, int):
                self._slot(part)
            else:
                self.raw(part)

    def raw(self, text: str) -> None:
        """Text as it goes over the wire."""
        self.chunks[-1] += text.encode("utf-8")

    def body(self, pieces: Iterable[Piece], known: dict[str, int]) -> None:
        """A part's content, quoted-printable; `known` numbers the fixed values among the fields' keys."""
        fresh_line = True
        for piece in pieces:
            if not fresh_line:
                self.chunks[-1] += JOIN
            if isinstance(piece, str):
                self.chunks[-1] += quoted_printable.encode(piece)
            else:
                self._slot(known[piece.key] if piece.key in known else self._number(piece))
            fresh_line = isinstance(piece, str) and piece.endswith("\n")

    def _number(self, field: Field) -> int:
        place = (field.key, field.escapes)
        if place not in self._places:
            if field.key not in self._fields:
                self._fields[field.key] = len(self.raws)
                self.raws.append(field.raw)
            self._places[place] = self._fixed + len(self.values)
            self.values.append(Value(self._fields[field.key], field.escapes))
        return self._places[place]

    def _slot(self, number: int) -> None:
        self.slots.append(number)
        self.chunks.append(bytearray())
