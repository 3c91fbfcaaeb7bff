"""ClickHouse's tables, and the ingestion that fills each from its topic.

schema/<table>.sql makes a table, once, and gives an older one the columns that it lacks.
schema/ingest/*.sql make three objects beside it: a queue that reads the topic, a view that moves rows from
there into the table, a view that moves what cannot be parsed into `ingest_errors`. These hold no data, and
are made anew when their SQL, their table's SQL or the brokers change. Kafka keeps the place in the topic
under the group's name, so nothing is passed over.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickhouse_driver import Client

from sidecars import names
from sidecars.analytics.client import client
from sidecars.settings import settings

log = logging.getLogger(__name__)

SCHEMA = Path(__file__).parent / "schema"
END_OF_STATEMENT = ";\n"
TOPIC_OF = {
    "smtp_messages": names.TOPIC_CH_MESSAGES,
    "smtp_email_opens": names.TOPIC_CH_OPENS,
    "smtp_email_clicks": names.TOPIC_CH_CLICKS,
}

_FIND = """SELECT name, comment FROM system.tables
            WHERE database = currentDatabase() AND has({names:Array(String)}, name)"""
_PARTS = ("queue", "ingest", "errors")


def apply() -> None:
    """Brings ClickHouse up to date. Repeatable; raises clickhouse_driver.errors.Error or OSError.

    What reads for a table that changes stands still meanwhile, lest a row go without a column to come.
    """
    connected = client()
    changed = [table for table in TOPIC_OF if not _is_ingested(connected, table)]
    for table in changed:
        _stop_ingesting(connected, table)
    for file in sorted(SCHEMA.glob("*.sql")):
        for statement in file.read_text().split(END_OF_STATEMENT):
            if statement.strip():
                connected.execute(statement)
    for table in changed:
        _ingest(connected, table)


@contextmanager
def standing_still(table: str) -> Iterator[None]:
    """Nothing is ingested into the table within the block; afterwards it goes on where it was.

    Where this process dies within the block, `apply` makes the ingestion anew.
    """
    connected = client()
    _stop_ingesting(connected, table)
    try:
        yield
    finally:
        _ingest(connected, table)


def _is_ingested(connected: Client, table: str) -> bool:
    """Whether the objects are there, and of this version."""
    objects = _objects(table)
    found = dict(connected.execute(_FIND, {"names": objects}))
    return len(found) == len(objects) and found[objects[0]] == _version(table)


def _stop_ingesting(connected: Client, table: str) -> None:
    for name in _objects(table):
        connected.execute(f"DROP TABLE IF EXISTS {name} SYNC")


def _ingest(connected: Client, table: str) -> None:
    topic = TOPIC_OF[table]
    for part in _sql():
        connected.execute(part.format(table=table, topic=topic, brokers=_brokers(), version=_version(table)))
    log.info("ingestion made", extra={"table": table, "topic": topic})


def _objects(table: str) -> list[str]:
    """The queue goes first and comes first: with one view alone reading it, the other's rows were lost."""
    return [f"{table}_{part}" for part in _PARTS]


def _version(table: str) -> str:
    text = "".join((_brokers(), (SCHEMA / f"{table}.sql").read_text(), *_sql()))
    return hashlib.sha256(text.encode()).hexdigest()


def _sql() -> list[str]:
    return [(SCHEMA / "ingest" / f"{part}.sql").read_text() for part in _PARTS]


def _brokers() -> str:
    return settings.clickhouse_kafka_brokers or settings.kafka_brokers
