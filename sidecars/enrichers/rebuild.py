"""ClickHouse's tables, made anew: from what Kafka's raw topics still have, and the ledger, by today's rules.

Each table's successor is filled and compared while the table is used, and put into its place when that is
wanted (analytics/shadow.py). To begin again does no harm: what an earlier try left is removed.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clickhouse_driver.errors import Error as ClickHouseError
from clickhouse_driver.errors import ErrorCodes

from sidecars import names, streams
from sidecars.analytics import schema
from sidecars.analytics.client import query
from sidecars.analytics.shadow import Comparison, Shadow
from sidecars.broadcasts.states import SendState
from sidecars.broadcasts.told import ALWAYS_TOLD
from sidecars.enrichers.from_ledger import rows_of, settled_before
from sidecars.enrichers.history import History
from sidecars.enrichers.loop import service_is_away
from sidecars.enrichers.outcome import Row
from sidecars.enrichers.rejudge import Rejudge
from sidecars.models import ArchivedPart, database

log = logging.getLogger(__name__)

MESSAGES = "smtp_messages"
# The topics whose events become a table's rows. A mail to the unsubscribe address is a status.
SOURCES = {
    MESSAGES: (names.TOPIC_STATUSES,),
    "smtp_email_opens": (names.TOPIC_OPENS,),
    "smtp_email_clicks": (names.TOPIC_CLICKS, names.TOPIC_STATUSES),
}
LOCK = "kibamail.rebuild"
# ClickHouse's words for a row that it cannot read.
UNREADABLE = {code for name, code in vars(ErrorCodes).items() if name.startswith("CANNOT_PARSE_")} | {
    ErrorCodes.INCORRECT_DATA
}
TABLE_OF = {topic: table for table, topic in schema.TOPIC_OF.items()}

# Told how many records have been read, and how many there are.
Tell = Callable[[int, int], None]


class InProgress(Exception):
    """Another process rebuilds the tables."""

    def __init__(self) -> None:
        super().__init__("The tables are being rebuilt by another process. Wait for it, or end it.")


@dataclass(frozen=True)
class Unreadable:
    """A damaged part of the archive; of `missing` settled mails of its, neither Kafka nor a table knows."""

    part: ArchivedPart
    missing: int


class Rebuild:
    """The successors of all tables. Made by `rebuilding`.

    After `fill`: `complete_since`, from which moment on Kafka has every event of a table; `unplaced`, how
    many events of Kafka's could not be processed, which are its dead letters or are still to come;
    `from_ledger`, of how many mails only the ledger could tell; `unreadable`, what it could not tell of, as
    its archive is damaged.
    """

    def __init__(self) -> None:
        self.begun = datetime.now(UTC)
        self.complete_since: dict[str, datetime] = {}
        self.unplaced = 0
        self.from_ledger = 0
        self.unreadable: list[Unreadable] = []
        self._shadows = {table: Shadow(table) for table in schema.TOPIC_OF}

    def fill(self, tell: Tell) -> None:
        """Reads Kafka's past, then the ledger. Raises what Kafka, MySQL or ClickHouse raise when away."""
        histories = {topic: History(topic, _ms(self.begun)) for topic in names.RAW_TOPICS}
        records, done = sum(history.records for history in histories.values()), 0
        tell(done, records)
        for topic, history in histories.items():
            judge = Rejudge(topic, self.begun.isoformat())
            for lines, number in _batches(history):
                self._place(judge, lines)
                done += number
                tell(done, records)
        for table, topics in SOURCES.items():
            since = max(histories[topic].complete_since for topic in topics)
            self.complete_since[table] = datetime.fromtimestamp(since / 1000, UTC)
        damaged: dict[str, ArchivedPart] = {}
        for sends in settled_before(
            histories[names.TOPIC_STATUSES].complete_since,
            without=lambda part: damaged.update({part.object_key: part}),
        ):
            self._add_lost(sends)
        self.unreadable = [self._unreadable(part) for part in damaged.values()]

    def compare(self) -> dict[str, Comparison]:
        """Each table beside its successor."""
        return {table: shadow.compare(self.complete_since[table]) for table, shadow in self._shadows.items()}

    def swap(self) -> None:
        """Puts each successor into its table's place. Raises shadow.Incomplete where one lacks something."""
        for shadow in self._shadows.values():
            shadow.replace_table(self.begun)

    def drop(self) -> None:
        """Removes the successors that are not in their place."""
        for shadow in self._shadows.values():
            shadow.drop()

    def _place(self, judge: Rejudge, lines: Sequence[bytes]) -> None:
        """Halves what fails until the events that cannot be processed stand alone."""
        try:
            self._add(judge(lines).rows)
        except Exception as error:
            if service_is_away(error) or not _is_of_the_event(error):
                raise
            if len(lines) == 1:
                self.unplaced += 1
                log.info("event not placed", extra={"reason": repr(error)})
                return
            half = len(lines) // 2
            self._place(judge, lines[:half])
            self._place(judge, lines[half:])

    def _add(self, rows: Mapping[str, Sequence[Row]]) -> None:
        for topic, of_topic in rows.items():
            self._shadows[TABLE_OF[topic]].add(streams.ndjson(of_topic))

    def _add_lost(self, sends: Sequence[Any]) -> None:
        """The rows of those sends whose state no event tells, in neither table."""
        rows = query(
            "states_told",
            live=MESSAGES,
            rebuilt=self._shadows[MESSAGES].name,
            team_ids=sorted({send.team_id for send in sends}),
            broadcast_id=sends[0].broadcast_id,
            message_ids=[send.message_id for send in sends],
        )
        told = {(row["message_id"], row["state"]) for row in rows}
        lost = [send for send in sends if (send.message_id, SendState(send.state).name.lower()) not in told]
        if lost:
            self._add({schema.TOPIC_OF[MESSAGES]: rows_of(lost, self.begun.isoformat())})
            self.from_ledger += len(lost)

    def _unreadable(self, part: ArchivedPart) -> Unreadable:
        (known,) = query(
            "settled_between",
            live=MESSAGES,
            rebuilt=self._shadows[MESSAGES].name,
            team_id=part.broadcast.team_id,
            broadcast_id=part.broadcast_id,
            lo=part.lo,
            hi=part.hi,
        )
        settled = sum(mails for state, _, mails in part.counts if state in ALWAYS_TOLD)
        return Unreadable(part, max(0, settled - known["mails"]))


@contextmanager
def rebuilding() -> Iterator[Rebuild]:
    """A rebuild, of which there is one at a time; what it has not put into its place is removed at the end.

    Raises InProgress.
    """
    with database.connection_context():
        if not database.execute_sql("SELECT GET_LOCK(%s, 0)", (LOCK,)).fetchone()[0]:
            raise InProgress
        try:
            rebuild = Rebuild()
            try:
                yield rebuild
            finally:
                rebuild.drop()
        finally:
            database.execute_sql("SELECT RELEASE_LOCK(%s)", (LOCK,))


def _batches(history: History) -> Iterator[tuple[list[bytes], int]]:
    """Lines of events, at most a record's or so, and of how many records."""
    lines: list[bytes] = []
    records = 0
    for record in history:
        lines += [line for line in (record.value or b"").split(b"\n") if line]
        records += 1
        if len(lines) >= streams.EVENTS_A_RECORD:
            yield lines, records
            lines, records = [], 0
    if records:
        yield lines, records


def _is_of_the_event(error: Exception) -> bool:
    """Whether ClickHouse, where the error is its own, could not read the row."""
    return not isinstance(error, ClickHouseError) or error.code in UNREADABLE


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
