"""`./kiba bounce`: how a mail that comes back is judged."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from sidecars.deliverability.bounces import Inbound, read_mail
from sidecars.deliverability.bounces.mime import MAX_BYTES

_MAILBOXES = (".mbox", ".mbx")
# What separates the mails of an mbox (RFC 4155): a blank line, then the envelope sender and a date.
_SEPARATOR = re.compile(rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d")
_MAX_LINE = 65_536


@click.group()
def bounce() -> None:
    """See how mail that comes back is judged."""


@bounce.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, path_type=Path)
)
def classify(files: tuple[Path, ...]) -> None:
    """Print a line of JSON for each mail: is it a bounce, of whom, why, and which rule says so?

    FILES are mails, folders of mails, mailboxes (*.mbox), or - for standard input.

    \b
      ./kiba bounce classify returned.eml
      ./kiba bounce classify returned/ inbox.mbox
      ./kiba bounce classify - < returned.eml
    """
    for name, raw in _mails(files):
        click.echo(json.dumps({"file": name, **described(raw)}, ensure_ascii=False))


def described(raw: bytes) -> dict[str, Any]:
    """What the command says of one mail: `is_bounce`, `recipients`, `message_id`."""
    reading = read_mail(raw)
    return {
        "is_bounce": reading.is_bounce,
        "recipients": [
            _recipient(found) for found in reading.findings if found.kind != "other" or found.recipient
        ],
        "message_id": reading.message_id,
    }


def _recipient(found: Inbound) -> dict[str, str]:
    kind = found.failure or {"other": "not_a_bounce", "unsubscribe": "not_a_bounce"}.get(
        found.kind, found.kind
    )
    return {
        "address": found.recipient,
        "kind": kind,
        "status": found.status,
        "diagnostic": found.diagnostic,
        "rule": found.rule,
    }


def _mails(files: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        if str(path) == "-":
            yield from _each("-", sys.stdin.buffer, many=True)
        elif path.is_dir():
            yield from _mails(tuple(sorted(each for each in path.rglob("*") if each.is_file())))
        else:
            try:
                with path.open("rb") as file:
                    yield from _each(str(path), file, many=path.suffix.lower() in _MAILBOXES)
            except OSError as error:
                click.echo(f"{path}: {error.strerror}", err=True)


def _each(name: str, file: BinaryIO, *, many: bool) -> Iterator[tuple[str, bytes]]:
    """The mails of a file, of each no more than is read of it."""
    if not many:
        yield name, file.read(MAX_BYTES)
        return
    mail = bytearray()
    number, after_blank = 0, True
    while line := file.readline(_MAX_LINE):
        if after_blank and mail.strip() and _SEPARATOR.match(line):
            number += 1
            yield f"{name}#{number}", bytes(mail)
            mail.clear()
        if len(mail) < MAX_BYTES:
            mail += line
        after_blank = not line.strip()
    if mail.strip() or not number:
        yield f"{name}#{number + 1}" if number else name, bytes(mail)
