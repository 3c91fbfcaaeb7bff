"""A topic's past, as far as Kafka still has it."""

import time
from collections.abc import Iterator
from heapq import merge
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from sidecars import streams

POLL_MS = 1000
# A broker that is away gives no records, and raises nothing.
SILENCE_SECONDS = 30.0


class History:
    """The records of a topic from the oldest to the one that was last when this was made, in order of time.

    `records` is their number. `complete_since` (ms since 1970) is known when they have been read: no record
    of that moment or later is missing. A part of those before it may be.
    """

    def __init__(self, topic: str, now_ms: int) -> None:
        self._now_ms = now_ms
        self._ranges = _ranges(topic)
        self.records = sum(end - start for start, end in self._ranges.values())
        self._oldest: dict[TopicPartition, int] = {}

    def __iter__(self) -> Iterator[Any]:
        """Raises kafka.errors.KafkaError where the broker is away."""
        # By their time, since clicks that were made together may be in different partitions.
        return merge(*map(self._read, self._ranges), key=lambda record: record.timestamp)

    @property
    def complete_since(self) -> int:
        """See above."""
        return max(self._oldest.values(), default=self._now_ms)

    def _read(self, partition: TopicPartition) -> Iterator[Any]:
        start, end = self._ranges[partition]
        if start == end > 0:
            self._oldest[partition] = self._now_ms  # all that it had is gone
        if start == end:
            return
        consumer = streams.reader(partition)
        heard = time.monotonic()
        try:
            while consumer.position(partition) < end:
                for record in consumer.poll(timeout_ms=POLL_MS).get(partition, ()):
                    heard = time.monotonic()
                    self._oldest.setdefault(partition, record.timestamp)
                    if record.offset < end:
                        yield record
                if time.monotonic() - heard > SILENCE_SECONDS:
                    raise KafkaTimeoutError(f"{partition.topic} gave no record for {SILENCE_SECONDS:.0f} s")
        finally:
            consumer.close()


def _ranges(topic: str) -> dict[TopicPartition, tuple[int, int]]:
    """The oldest offset and the next one of each partition."""
    consumer = streams.reader(TopicPartition(topic, 0))
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    finally:
        consumer.close()
    return {each: (starts[each], ends[each]) for each in partitions}
