"""Read → look up → process → rows, ledger → commit: once, for all topics.

At-least-once: offsets are committed when everything that their records ask for is done. A service that is
away stops the loop, which goes back to where it was and tries again for as long as it takes; an event that
cannot be processed goes to the dead letters, and its neighbours go on.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import CommitFailedError, KafkaError, MessageSizeTooLargeError
from redis import RedisError

from sidecars import names, streams
from sidecars.enrichers import dead
from sidecars.enrichers.dead import Line
from sidecars.enrichers.effects import apply
from sidecars.enrichers.handlers import Handler
from sidecars.models import database
from sidecars.models.database import is_away
from sidecars.settings import settings
from sidecars.telemetry import CONSUMER_LAG, hold, release, stage, waiting_for

log = logging.getLogger(__name__)

# Records come at once; this is how long a stop may take while none do. Short polls disturb joining the group.
POLL_MS = 1000
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 3.0
# As KafkaConsumer.poll gives them: TopicPartition → its records.
Records = Mapping[Any, Sequence[Any]]

MEASURE_SECONDS = 1.0
# A loop that has not come round for so long hangs.
LATE_SECONDS = 60.0


class Loop:
    """One consumer with its producer; `run` is the only thread that touches them."""

    def __init__(
        self, handlers: Mapping[str, Handler], consumer: KafkaConsumer, producer: KafkaProducer
    ) -> None:
        self.handlers = handlers
        self.consumer = consumer
        self.producer = producer
        self._rows = streams.Backlog({topic: names.READERS[topic] for topic in names.CLICKHOUSE_TOPICS})
        self._assigned = 0
        self._lag = 0
        self._measured = 0.0
        self._came_round = time.monotonic()

    def run(self, stopping: threading.Event) -> None:
        """Works until `stopping`, finishes the records at hand, commits and leaves the group."""
        pause = FIRST_PAUSE_SECONDS
        while not stopping.is_set():
            self._came_round = time.monotonic()
            if self._round():
                pause = FIRST_PAUSE_SECONDS
            else:
                stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        self.consumer.close(autocommit=False)
        self.producer.close()

    def check_assignment(self) -> str:
        """For /health; raises RuntimeError where the loop hangs or has no partitions."""
        late = time.monotonic() - self._came_round
        if late > LATE_SECONDS:
            raise RuntimeError(f"the loop has not come round for {late:.0f} s")
        if not self._assigned:
            raise RuntimeError("no partitions are assigned; is another enricher taking all of them?")
        return f"{self._assigned} partitions"

    def check_lag(self) -> str:
        """For /health: how many records wait."""
        return f"{self._lag} records behind"

    def _round(self) -> bool:
        """Takes the next records, or goes back to them and tells False where a service is away."""
        records: Records = {}
        try:
            self._wait_for_clickhouse()
            records = self.consumer.poll(timeout_ms=POLL_MS)
            if records:
                self._take(records)
            self._measure()
        except CommitFailedError:
            # The partitions are another's now, who reads these records again.
            log.warning("commit came too late; the records will be read again")
        except Exception as error:
            if not service_is_away(error):
                raise
            log.warning("a service is away; trying again", extra={"error": repr(error)})
            self._go_back(records)
            return False
        return True

    def _wait_for_clickhouse(self) -> None:
        """Reads no more while ClickHouse is far behind; what waits then waits in the raw topics."""
        with waiting_for("kafka", streams.is_away):
            unread = self._rows.most()
        if unread > settings.kiba_max_unread_records:
            hold("clickhouse")
            self.consumer.pause(*self.consumer.assignment())
        else:
            release("clickhouse")
            self.consumer.resume(*self.consumer.paused())

    def _take(self, records: Records) -> None:
        lines: dict[str, list[bytes]] = defaultdict(list)
        sources: dict[str, list[Any]] = defaultdict(list)  # the record of each line
        for of_partition in records.values():
            for record in of_partition:
                found = [line for line in (record.value or b"").split(b"\n") if line]
                lines[record.topic] += found
                sources[record.topic] += [record] * len(found)
        for topic, of_topic in lines.items():
            for start in range(0, len(of_topic), streams.EVENTS_A_RECORD):
                some = slice(start, start + streams.EVENTS_A_RECORD)
                with stage("enrich", len(of_topic[some])):
                    self._process(of_topic[some], sources[topic][some])
        with waiting_for("kafka", streams.is_away):
            self.consumer.commit()

    def _process(self, lines: Sequence[bytes], sources: Sequence[Any]) -> None:
        """Halves what fails until the events that cannot be processed stand alone."""
        topic = sources[0].topic
        try:
            with database.connection_context():
                apply(self.handlers[topic](lines), self.producer)
        except Exception as error:
            if service_is_away(error):
                raise
            if len(lines) == 1:
                buried = Line(topic, sources[0].partition, sources[0].offset, lines[0])
                dead.bury(buried, _reason(error), self.producer)
                return
            half = len(lines) // 2
            self._process(lines[:half], sources[:half])
            self._process(lines[half:], sources[half:])

    def _go_back(self, records: Records) -> None:
        """To the first record at hand of each partition that is still ours."""
        assigned = self.consumer.assignment()
        for partition, of_partition in records.items():
            if partition in assigned:
                self.consumer.seek(partition, of_partition[0].offset)

    def _measure(self) -> None:
        if time.monotonic() < self._measured + MEASURE_SECONDS:
            return
        self._measured = time.monotonic()
        assigned = self.consumer.assignment()
        self._assigned = len(assigned)
        lags = {
            partition: max(
                0, (self.consumer.highwater(partition) or 0) - (self.consumer.position(partition) or 0)
            )
            for partition in assigned
        }
        for partition, lag in lags.items():
            CONSUMER_LAG.labels(partition.topic, str(partition.partition)).set(lag)
        self._lag = sum(lags.values())


def service_is_away(error: BaseException) -> bool:
    """Whether MySQL, Redis or Kafka does not answer, and what failed may succeed later."""
    if isinstance(error, MessageSizeTooLargeError):
        return False
    return is_away(error) or isinstance(error, RedisError | KafkaError | ConnectionError | TimeoutError)


def _reason(error: Exception) -> str:
    if isinstance(error, orjson.JSONDecodeError) or type(error) is msgspec.DecodeError:
        return f"not JSON: {error}"
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    return str(error) or type(error).__name__
