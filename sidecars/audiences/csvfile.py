"""Reads a CSV as people's programs write it: with or without a BOM; by comma, semicolon, tab or bar."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO

DELIMITERS = ",;\t|"
# The longest cell; a quote that is never closed runs into this instead of into memory.
csv.field_size_limit(131_072)
_BLOCK_BYTES = 256 * 1024
# A spreadsheet takes a cell that begins so for a formula, which may send away what the sheet holds. A quote
# before it makes it text: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


class FileError(ValueError):
    """The file as a whole cannot be read; the message says what to do about it."""


class Table:
    """A CSV file with titles in its first row. Bytes in, rows out, once.

    Raises FileError, at once where the titles cannot be read, else from `rows`.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines = chain.from_iterable(_decoded(stream))
        first = next(self._lines, "")
        if not first.strip():
            raise FileError("The file is empty, or its first line is. The first row must name the columns.")
        self.delimiter = max(DELIMITERS, key=lambda mark: _width(first, mark))
        self._reader = csv.reader(chain([first], self._lines), delimiter=self.delimiter, strict=True)
        try:
            self.titles = [title.strip() for title in next(self._reader)]
        except csv.Error as error:
            raise FileError(f"The first row cannot be read: {_explained(error)}.") from error

    def count(self) -> int:
        """How many rows there are to come, read to the end of the file without a look at their cells."""
        number = 0
        while True:
            try:
                for cells in self._reader:
                    if "".join(cells).strip():
                        number += 1
                return number
            except csv.Error:
                number += 1

    def rows(self) -> Iterator[tuple[int, list[str], str]]:
        """(line on which it begins, counted from 1; its cells, trimmed; what is wrong with it or "").

        A row has a cell a title: one that ends early is filled up with "". Empty lines are left out.
        """
        width = len(self.titles)
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, [], _explained(error)
                continue
            cells = list(map(str.strip, cells))
            if not any(cells):
                continue
            if len(cells) == width:
                yield line, cells, ""
                continue
            if len(cells) > width:
                yield line, cells, f"has {len(cells)} cells where the titles are {width}"
                continue
            yield line, cells + [""] * (width - len(cells)), ""


def guarded(cell: str) -> str:
    """A cell as it is written into a file of ours: one that could be a formula has a quote before it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """What `guarded` made the cell of, whoever guarded it."""
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell


def _decoded(stream: IO[bytes]) -> Iterator[io.StringIO]:
    """Text as blocks of lines, decoded a block at a time; the first line is one."""
    lines = [stream.readline().removeprefix(codecs.BOM_UTF8)]
    if lines[0][:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise FileError("The file is in UTF-16. Save it as “CSV UTF-8” and try again.")
    number = 1
    while lines:
        try:
            yield io.StringIO(b"".join(lines).decode(), newline="\n")
        except UnicodeDecodeError as error:
            raise FileError(_where_not_utf8(lines, number)) from error
        number += len(lines)
        lines = stream.readlines(_BLOCK_BYTES)


def _where_not_utf8(lines: list[bytes], number: int) -> str:
    """What to say of lines one of which cannot be decoded; the first is the file's `number`th."""
    for line, raw in enumerate(lines, number):
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            return (
                f"Line {line} is not UTF-8 (byte 0x{raw[error.start]:02x}). The file may be in Latin-1 or "
                "Windows-1252: save it as “CSV UTF-8” and try again."
            )
    raise AssertionError("each line is UTF-8, and so are they together")


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter, strict=True)))
    except csv.Error:
        return 0


def _explained(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text or "field larger than field limit" in text:
        return 'a quote (") is opened here and never closed'
    if "expected after" in text:
        return 'a quote (") inside a quoted cell must be written twice'
    return text
