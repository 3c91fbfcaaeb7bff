"""Reads a CSV as people's programs write it: with or without a BOM; by comma, semicolon, tab or bar."""

import csv
from collections.abc import Iterator
from itertools import chain
from typing import IO

DELIMITERS = ",;\t|"
# The longest cell; a quote that is never closed runs into this instead of into memory.
csv.field_size_limit(131_072)


class FileError(ValueError):
    """The file as a whole cannot be read; the message says what to do about it."""


class Table:
    """A CSV file with titles in its first row. Bytes in, rows out, once.

    Raises FileError, at once where the titles cannot be read, else from `rows`.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines = _decoded(stream)
        first = next(self._lines, "")
        if not first.strip():
            raise FileError("The file is empty, or its first line is. The first row must name the columns.")
        self.delimiter = max(DELIMITERS, key=lambda mark: _width(first, mark))
        self._reader = csv.reader(chain([first], self._lines), delimiter=self.delimiter, strict=True)
        try:
            self.titles = [title.strip() for title in next(self._reader)]
        except csv.Error as error:
            raise FileError(f"The first row cannot be read: {_explained(error)}.") from error

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
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if len(cells) > width:
                yield line, cells, f"has {len(cells)} cells where the titles are {width}"
                continue
            yield line, cells + [""] * (width - len(cells)), ""


def _decoded(stream: IO[bytes]) -> Iterator[str]:
    """Lines as text, each decoded by itself so that a wrong byte is known by its line."""
    for number, raw in enumerate(stream, 1):
        if number == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FileError("The file is in UTF-16. Save it as “CSV UTF-8” and try again.")
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise FileError(
                f"Line {number} is not UTF-8 (byte 0x{raw[error.start]:02x}). The file may be in Latin-1 or "
                "Windows-1252: save it as “CSV UTF-8” and try again."
            ) from error


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
