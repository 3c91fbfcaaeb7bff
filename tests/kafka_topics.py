"""Reading what was produced to a topic since a moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition

from sidecars.settings import settings
from tests.support import wait_for


class Records:
    """The records of a topic from where it ended when the test began to watch."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self.all: list[Any] = []

    def read(self) -> list[Any]:
        """Those so far."""
        for of_partition in self._consumer.poll(timeout_ms=50).values():
            self.all += of_partition
        return self.all

    def events(self) -> list[dict[str, Any]]:
        """Their events so far."""
        return [orjson.loads(line) for record in self.read() for line in record.value.splitlines()]

    def wait_for_events(self, number: int, timeout: float = 10) -> list[dict[str, Any]]:
        """Their events when there are `number`."""
        return wait_for(lambda: len(events := self.events()) >= number and events, timeout)


@contextmanager
def watch(topic: str) -> Iterator[Records]:
    """Watches a topic from its present end on."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_brokers.split(","), group_id=None)
    try:
        partitions = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_end(*partitions)
        for partition in partitions:
            consumer.position(partition)
        yield Records(consumer)
    finally:
        consumer.close()
