"""A table's successor, filled beside it while it is read and written, and put into its place in one step.

Nothing is lost by it: the successor takes over what it lacks, and takes the place only where it then knows
every event. Everything raises clickhouse_driver.errors.Error or OSError where ClickHouse does not answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sidecars.analytics import schema
from sidecars.analytics.client import client, query

# How many events are held in memory to be compared: about 100 bytes each.
EVENTS_AT_ONCE = 5_000_000
IDS_SHOWN = 5

# As the ingestion reads rows (schema/ingest/queue.sql).
_ADD = """INSERT INTO {table} SELECT * FROM format(JSONEachRow, {{columns:String}}, {{rows:String}})
          SETTINGS date_time_input_format = 'best_effort', input_format_skip_unknown_fields = 1"""


@dataclass(frozen=True)
class Comparison:
    """Numbers of events. `events`: in either table. `older`: only in the live one, from before `since`.

    `only_live`: only there though later; `only_rebuilt`: only in the successor; `changed`: in both, with
    other contents. The first ids of each of these three.
    """

    events: int
    older: int
    only_live: int
    only_rebuilt: int
    changed: int
    ids_only_live: tuple[UUID, ...]
    ids_only_rebuilt: tuple[UUID, ...]
    ids_changed: tuple[UUID, ...]


class Incomplete(Exception):
    """The successor lacks events that the table has."""

    def __init__(self, table: str, comparison: Comparison) -> None:
        lacking = ", ".join(map(str, comparison.ids_only_live))
        super().__init__(
            f"{table} was not replaced: {comparison.only_live:,} of its events could not be taken over, the "
            f"first of them {lacking}. It stands as it was; start again."
        )


class Shadow:
    """The successor of `table`, one of the schema's. Empty at first, also where an earlier one was left."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.name = f"{table}_shadow"
        self.drop()
        client().execute(f"CREATE TABLE {self.name} AS {table}")

    def add(self, rows: bytes) -> None:
        """One JSON object a line. What has come already is replaced by what comes later."""
        client().execute(_ADD.format(table=self.name), {"columns": self._columns, "rows": rows.decode()})

    def compare(self, since: datetime) -> Comparison:
        """The live table beside this one; from `since` on both should know every event."""
        parts = [query("compare_tables", **self._both, since=since, **share)[0] for share in self._shares()]

        def total(what: str) -> int:
            return sum(part[what] for part in parts)

        def first(what: str) -> tuple[UUID, ...]:
            return tuple(id_ for part in parts for id_ in part[f"ids_{what}"])[:IDS_SHOWN]

        return Comparison(
            events=total("events"),
            older=total("older"),
            only_live=total("only_live"),
            only_rebuilt=total("only_rebuilt"),
            changed=total("changed"),
            ids_only_live=first("only_live"),
            ids_only_rebuilt=first("only_rebuilt"),
            ids_changed=first("changed"),
        )

    def replace_table(self, begun: datetime) -> None:
        """Takes over what it lacks, and what was processed since it was begun; then takes the table's place.

        What ingests stands still meanwhile, and Kafka keeps its place. Raises Incomplete.
        """
        with schema.standing_still(self.table):
            for share in self._shares():
                query("take_over", **self._both, since=begun, **share)
            comparison = self.compare(datetime.fromtimestamp(0, begun.tzinfo))
            if comparison.only_live:
                raise Incomplete(self.table, comparison)
            client().execute(f"EXCHANGE TABLES {self.table} AND {self.name}")
        self.drop()

    def drop(self) -> None:
        """Removes it, with all that it has."""
        client().execute(f"DROP TABLE IF EXISTS {self.name} SYNC")

    @property
    def _both(self) -> dict[str, str]:
        return {"live": self.table, "rebuilt": self.name}

    def _shares(self) -> Iterator[dict[str, int]]:
        """Parts of the events by their ids, each small enough to be held in memory."""
        ((rows,),) = client().execute(
            "SELECT (SELECT count() FROM {live:Identifier}) + (SELECT count() FROM {rebuilt:Identifier})",
            self._both,
        )
        parts = rows // EVENTS_AT_ONCE + 1
        return ({"part": part, "parts": parts} for part in range(parts))

    @cached_property
    def _columns(self) -> str:
        rows: Any = client().execute(
            """SELECT name, type FROM system.columns
                WHERE database = currentDatabase() AND table = {table:String} ORDER BY position""",
            {"table": self.table},
        )
        return ", ".join(f"{name} {type_}" for name, type_ in rows)
