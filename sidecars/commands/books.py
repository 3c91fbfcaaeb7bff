"""The books of a broadcast, printed: ledger, ClickHouse and receipts side by side."""

from collections.abc import Iterator
from typing import Any

import orjson
import requests
from rich.console import Console
from rich.table import Table

from sidecars import names
from sidecars.broadcasts.on_the_way import OnTheWay
from sidecars.broadcasts.reconcile import Books, reconcile
from sidecars.models import database


def print_books(console: Console, broadcast_id: int, simulator: str | None) -> bool:
    """Prints the table, the first differences and the verdict; returns the verdict."""
    with database.connection_context():
        books = reconcile(broadcast_id, None if simulator is None else read_receipts(simulator))
    console.print(_table(books, simulator is not None))
    for line in _under_way(books.on_the_way):
        console.print(line, style="dim")
    for difference in books.differences:
        console.print(f"  {difference}", style="red")
    console.print(f"books balanced: {'yes' if books.balanced else 'no'}")
    return books.balanced


def read_receipts(simulator: str) -> Iterator[dict[str, Any]]:
    """Every fact that the simulator noted, streamed."""
    with requests.get(f"{simulator}/receipts.ndjson", stream=True, timeout=60) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            yield orjson.loads(line)


def _under_way(under_way: OnTheWay) -> Iterator[str]:
    if under_way.records is None:
        yield "Kafka does not answer: what it holds is not known."
    for topic, records in sorted((under_way.records or {}).items()):
        if records:
            yield f"{records:,} records of {topic} wait for {names.READERS[topic]}"
    for share in under_way.edges:
        if share.waiting is not None:
            yield (
                f"{share.edge}: {share.accepted:,} accepted, {share.waiting:,} in its spool and queue; "
                f"events not posted, of any broadcast: {share.event_bytes:,} bytes"
            )


def _table(books: Books, with_receipts: bool) -> Table:
    table = Table("", *("ledger", "ClickHouse", "receipts")[: 3 if with_receipts else 2], box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in books.rows:
        cells = (row.ledger, row.clickhouse, row.receipts)
        table.add_row(row.what, *("" if cell is None else f"{cell:,}" for cell in cells))
    return table
