"""Named queries to ClickHouse: `query("mails", team_id=1, broadcast_id=7)` runs queries/mails.sql.

Values go to the server as typed parameters (`{team_id:UInt32}` in the SQL), never into the text.
"""

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from clickhouse_driver import Client

from sidecars.settings import settings

QUERIES = Path(__file__).parent / "queries"

# A connection runs one query at a time, so each thread has its own.
_local = threading.local()


def query(name: str, **params: Any) -> list[dict[str, Any]]:
    """The rows of queries/<name>.sql, each a dict by column.

    Raises clickhouse_driver.errors.Error or OSError where ClickHouse does not answer, and FileNotFoundError
    where there is no such query.
    """
    rows, columns = client().execute(_sql(name), params, with_column_types=True)
    names = [column for column, _ in columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


def column(name: str, **params: Any) -> Sequence[Any]:
    """The one column of queries/<name>.sql, for results of millions. Raises what `query` raises."""
    columns = client().execute(_sql(name), params, columnar=True)
    return cast(Sequence[Any], columns[0]) if columns else ()


def client() -> Client:
    """This thread's connection; it connects again by itself after a failure."""
    if not hasattr(_local, "client"):
        _local.client = Client.from_url(settings.clickhouse_url)
        _local.client.client_settings["server_side_params"] = True
    connected: Client = _local.client
    return connected


@cache
def _sql(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text()
