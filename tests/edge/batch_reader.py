"""Reads a batch document back, by docs/batch-format.md and nothing of what wrote it."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReadMail:
    """A mail's line, its values and its whole text."""

    line: list[Any]
    values: tuple[bytes, ...]
    text: bytes


@dataclass(frozen=True)
class ReadBatch:
    """The head's fields, each template's chunks, and the mails."""

    head: dict[str, Any]
    chunks: list[tuple[bytes, ...]]
    mails: list[ReadMail]


class _Reader:
    def __init__(self, document: bytes) -> None:
        self._rest = document

    def json(self) -> Any:
        line, end, self._rest = self._rest.partition(b"\r\n")
        assert end
        return json.loads(line)

    def pieces(self, lengths: list[int]) -> tuple[bytes, ...]:
        return tuple(self._take(length) for length in lengths)

    def line_end(self) -> None:
        assert self._take(2) == b"\r\n"

    def end(self) -> None:
        assert self._rest == b""

    def _take(self, length: int) -> bytes:
        taken, self._rest = self._rest[:length], self._rest[length:]
        assert len(taken) == length
        return taken


def read(document: bytes) -> ReadBatch:
    """The batch. AssertionError where the document is none."""
    reader = _Reader(document)
    head = reader.json()
    chunks = [reader.pieces(template["chunks"]) for template in head["templates"]]
    reader.line_end()
    mails = []
    for _ in range(head["mails"]):
        line = reader.json()
        values = reader.pieces(line[8])
        reader.line_end()
        shared = chunks[line[3]]
        assert len(shared) == len(values) + 1
        text = b"".join(part for pair in zip(shared, (*values, b""), strict=True) for part in pair)
        mails.append(ReadMail(line, values, text))
    reader.end()
    return ReadBatch(head, chunks, mails)
