"""Dead letters: events that could not be processed, kept with the reason till they are replayed."""

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from sidecars import names, streams
from sidecars.telemetry import DEAD_LETTERS

log = logging.getLogger(__name__)

REPLAY_GROUP = "dead-letters"
POLL_MS = 1000


class Line(NamedTuple):
    """One event as it stood in its record."""

    topic: str
    partition: int
    offset: int
    value: bytes


def bury(line: Line, reason: str, producer: KafkaProducer) -> None:
    """Puts the event among the topic's dead letters. Raises kafka.errors.KafkaError unless Kafka has it."""
    headers = [
        ("reason", reason[:1000].encode()),
        ("topic", line.topic.encode()),
        ("partition", str(line.partition).encode()),
        ("offset", str(line.offset).encode()),
    ]
    producer.send(names.dead_topic(line.topic), line.value, headers=headers).get(timeout=10)
    DEAD_LETTERS.labels(line.topic).inc()
    log.error(
        "event could not be processed",
        extra={
            "topic": line.topic,
            "partition": line.partition,
            "offset": line.offset,
            "reason": reason,
        },
    )


def waiting(topic: str) -> Counter[str]:
    """How many dead letters of a raw topic were not replayed yet, by their reason.

    Raises ValueError for a topic without dead letters, kafka.errors.KafkaError.
    """
    _check(topic)
    consumer = streams.consumer(REPLAY_GROUP, [])
    try:
        return Counter(
            dict(letter.headers)["reason"].decode("utf-8", "replace")
            for letters in _letters(consumer, topic)
            for letter in letters
        )
    finally:
        consumer.close(autocommit=False)


def replay(topic: str, limit: int) -> int:
    """Sends up to `limit` dead letters of a raw topic to it again, oldest first; returns how many.

    Those that were there at the start: what dies again meanwhile waits for the next replay. A letter is done
    when Kafka has its copy, so a replay that breaks off may send some twice, and loses none; an event counts
    once by its id. Raises ValueError for a topic without dead letters, kafka.errors.KafkaError.
    """
    _check(topic)
    consumer = streams.consumer(REPLAY_GROUP, [])
    producer = streams.producer()
    replayed = 0
    try:
        for letters in _letters(consumer, topic, limit):
            producer.send(topic, b"\n".join(letter.value for letter in letters)).get(timeout=10)
            consumer.commit()
            replayed += len(letters)
    finally:
        producer.close()
        consumer.close(autocommit=False)
    return replayed


def _check(topic: str) -> None:
    if topic not in names.RAW_TOPICS:
        raise ValueError(f"{topic} has no dead letters. There are those of {', '.join(names.RAW_TOPICS)}.")


def _letters(consumer: KafkaConsumer, topic: str, limit: int | None = None) -> Iterator[list[Any]]:
    """Those that the consumer's group has not committed, a record's worth at a time."""
    left = sys.maxsize if limit is None else limit
    for number in sorted(consumer.partitions_for_topic(names.dead_topic(topic)) or ()):
        partition = TopicPartition(names.dead_topic(topic), number)
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        while left and (start := consumer.position(partition)) < end:
            most = min(left, end - start, streams.EVENTS_A_RECORD)
            letters = consumer.poll(timeout_ms=POLL_MS, max_records=most).get(partition, [])
            if letters:
                left -= len(letters)
                yield letters
