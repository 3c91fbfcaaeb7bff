"""Writes every record in Kafka once more: later, among others, and to any partition of its topic."""

import random
import threading
from collections.abc import Iterable
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from infra.local.kafka import MAX_RECORD_BYTES

POLL_MS = 200
# By this header a copy is known, and not copied again.
COPY = ("chaos-copy", b"1")


class Copier:
    """Copies in a thread of its own what is written from now on, until `finish`."""

    def __init__(self, broker: str, topics: Iterable[str], chance: random.Random) -> None:
        self.copies = 0
        self._chance = chance
        self._finishing = threading.Event()
        self._producer = KafkaProducer(
            bootstrap_servers=broker, acks="all", max_request_size=MAX_RECORD_BYTES
        )
        self._consumer = KafkaConsumer(
            bootstrap_servers=broker, enable_auto_commit=False, max_partition_fetch_bytes=MAX_RECORD_BYTES
        )
        self._partitions = {topic: list(self._consumer.partitions_for_topic(topic)) for topic in topics}
        everywhere = [
            TopicPartition(topic, partition)
            for topic, partitions in self._partitions.items()
            for partition in partitions
        ]
        self._consumer.assign(everywhere)
        # Not `seek_to_end`, which would look for the end at the first poll only.
        for partition, end in self._consumer.end_offsets(everywhere).items():
            self._consumer.seek(partition, end)
        self._thread = threading.Thread(target=self._run, name="copier", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Returns when every record that was there before the call has its copy."""
        self._finishing.set()
        self._thread.join()

    def _run(self) -> None:
        waiting: list[Any] = []
        while True:
            finishing = self._finishing.is_set()
            found = self._originals()
            waiting += found
            self._chance.shuffle(waiting)
            # Half of them wait for another turn, so that others pass them by.
            kept = 0 if finishing else len(waiting) // 2
            self._copy(waiting[kept:])
            del waiting[kept:]
            if finishing and not found and self._is_at_the_end():
                break
        self._consumer.close()
        self._producer.close()

    def _originals(self) -> list[Any]:
        found = self._consumer.poll(timeout_ms=POLL_MS)
        return [record for records in found.values() for record in records if COPY not in record.headers]

    def _copy(self, records: list[Any]) -> None:
        for record in records:
            self._producer.send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=[*record.headers, COPY],
                partition=self._chance.choice(self._partitions[record.topic]),
            )
        self._producer.flush()
        self.copies += len(records)

    def _is_at_the_end(self) -> bool:
        ends = self._consumer.end_offsets(list(self._consumer.assignment()))
        return all(self._consumer.position(partition) >= end for partition, end in ends.items())
