"""Kafka, as every process of ours writes and reads it.

A record's value is up to EVENTS_A_RECORD events, one JSON object a line: the client's cost is by the record,
so a record that carries a batch makes an event nearly free. Delivery is at-least-once; each event has an id
by which its copies are told apart, so the producer's own idempotence would buy nothing.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import orjson
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, MessageSizeTooLargeError

from sidecars.settings import settings

EVENTS_A_RECORD = 2000
# What the edge posts at once may have 4 MiB; an enricher adds to each event.
MAX_RECORD_BYTES = 8 * 1024 * 1024
# The broker answers a consumer when so much is there, compressed, or so much time is over.
GATHER_BYTES = 64 * 1024
GATHER_MS = 200

_CONNECTION = {
    "bootstrap_timeout_ms": 3000,
    # Back within a second of the broker's return, where the default waits up to 30.
    "reconnect_backoff_max_ms": 1000,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}


def producer() -> KafkaProducer:
    """A producer whose `send(topic, value).get()` returns when all replicas have the record (acks=all).

    Tells of a failure within 5 s, so that whoever waits can answer. Raises kafka.errors.KafkaError where no
    broker answers within 3 s.
    """
    return KafkaProducer(
        bootstrap_servers=settings.kafka_brokers.split(","),
        acks="all",
        enable_idempotence=False,
        compression_type="zstd",
        max_request_size=MAX_RECORD_BYTES,
        request_timeout_ms=4000,
        delivery_timeout_ms=5000,
        max_block_ms=3000,
        **_CONNECTION,
    )


def consumer(group: str, topics: Iterable[str]) -> KafkaConsumer:
    """A member of `group` that starts at the oldest record and commits only when it is told to.

    Its partitions pass to another member 6 s after it died. Raises kafka.errors.KafkaError where no broker
    answers within 3 s.
    """
    topics = tuple(topics)
    member = KafkaConsumer(
        *topics,
        bootstrap_servers=settings.kafka_brokers.split(","),
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6000,
        heartbeat_interval_ms=2000,
        # Records that come one by one are handed over together: a round costs the same for few and for many.
        fetch_min_bytes=GATHER_BYTES,
        fetch_max_wait_ms=GATHER_MS,
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
        max_poll_records=20,
        **_CONNECTION,
    )
    for topic in topics:
        # Who joins without knowing the topics is assigned nothing, and has to join once more.
        member.partitions_for_topic(topic)
    return member


def ndjson(rows: Iterable[Any]) -> bytes:
    """The rows as a record's value: one JSON object a line. A row in bytes is JSON already."""
    return b"\n".join([row if isinstance(row, bytes) else orjson.dumps(row) for row in rows])


def is_away(error: BaseException) -> bool:
    """Whether Kafka did not answer, so that the same may succeed later."""
    return isinstance(error, KafkaError) and not isinstance(error, MessageSizeTooLargeError)


def reader(partition: TopicPartition) -> KafkaConsumer:
    """Reads one partition from its oldest record on, and leaves no trace: a member of no group.

    Raises kafka.errors.KafkaError where no broker answers within 3 s.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_brokers.split(","),
        group_id=None,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
        max_poll_records=20,
        **_CONNECTION,
    )
    consumer.assign([partition])
    return consumer


class Backlog:
    """How many records of some topics wait for the groups that read them. Safe for threads.

    What one process writes and another reads too slowly would fill Kafka's disk; so who writes can wait.
    """

    LOOK_SECONDS = 1.0

    def __init__(self, readers: Mapping[str, str]) -> None:
        """`readers` has the group that reads a topic."""
        self._readers = readers
        self._looking = threading.Lock()
        self._looked = float("-inf")
        self._most = 0

    def most(self) -> int:
        """The records that wait in the topic where most do, as of LOOK_SECONDS ago at the earliest.

        Raises kafka.errors.KafkaError where no broker answers within 4 s.
        """
        # While one thread asks, the others take what is known.
        if time.monotonic() - self._looked > self.LOOK_SECONDS and self._looking.acquire(blocking=False):
            try:
                self._most = max(self.by_topic().values())
            finally:
                self._looked = time.monotonic()
                self._looking.release()
        return self._most

    def by_topic(self) -> Counter[str]:
        """The records that wait now. Not safe for threads; raises as `most` does."""
        partitions = [
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in self._admin.describe_topics(list(self._readers))
            for partition in topic["partitions"]
        ]
        starts = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        ends = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        read = self._admin.list_group_offsets(list(set(self._readers.values())))
        waiting: Counter[str] = Counter()
        for each in partitions:
            position = read[self._readers[each.topic]].get(each)
            # What retention removed waits no more.
            waiting[each.topic] += ends[each].offset - max(
                starts[each].offset, position.offset if position else 0
            )
        return waiting

    @cached_property
    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(
            bootstrap_servers=settings.kafka_brokers.split(","),
            bootstrap_timeout_ms=3000,
            request_timeout_ms=4000,
            reconnect_backoff_max_ms=1000,
        )
