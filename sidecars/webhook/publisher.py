"""From request threads to Kafka.

`publish` is for what must not be lost: it returns when Kafka has the record, or raises. `note` is for opens
and clicks, whose visitors must not wait: while one record is on its way to Kafka, the events of all threads
gather for the next, so records grow with the load and nobody waits for company. Where Kafka is slow, the
visitor is let go after WAIT_SECONDS and the event stays in memory till Kafka is back.

What can be lost: opens and clicks that wait in memory when the process is killed, or at its end while Kafka
is still down, or beyond SPOOL_EVENTS. They are counted (`kibamail_events_lost_total`) and logged.
"""

import atexit
import logging
import threading
import time
from collections import deque
from typing import Any, NamedTuple

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError
from prometheus_client import Counter

from sidecars import streams
from sidecars.telemetry import waiting_for

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.8
SPOOL_EVENTS = 50_000
DRAIN_SECONDS = 5.0
# After a failure nobody tries for so long: threads that all wait for a dead broker would serve no one else.
PAUSE_SECONDS = 1.0

LOST = Counter("kibamail_events_lost_total", "Opens and clicks that never reached Kafka.", ["topic"])


class KafkaDown(Exception):
    """Kafka did not confirm the record; it may have it nevertheless."""


class _Noted(NamedTuple):
    topic: str
    line: bytes
    arrived: threading.Event


class Publisher:
    """One a process; safe for threads. Connects at the first record, so a process starts without Kafka."""

    def __init__(self) -> None:
        self._producer: KafkaProducer | None = None
        self._connecting = threading.Lock()
        self._pause_until = 0.0
        self._noted: deque[_Noted] = deque()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def publish(self, topic: str, record: bytes) -> None:
        """Returns when all replicas have the record; raises KafkaDown within 5 s."""
        if self._pausing():
            raise KafkaDown("Kafka does not answer. Send it again in a second.")
        try:
            with waiting_for("kafka", streams.is_away):
                self._connected().send(topic, record).get(timeout=5)
        except KafkaError as error:
            self._pause_until = time.monotonic() + PAUSE_SECONDS
            log.warning("kafka does not answer", extra={"topic": topic, "error": repr(error)})
            raise KafkaDown("Kafka does not answer. Send it again in a second.") from error

    def note(self, topic: str, event: dict[str, Any]) -> bool:
        """Hands an event over; returns within WAIT_SECONDS. True: Kafka has it. False: it waits in memory."""
        noted = _Noted(topic, orjson.dumps(event), threading.Event())
        with self._change:
            if len(self._noted) >= SPOOL_EVENTS:
                LOST.labels(self._noted.popleft().topic).inc()
            self._noted.append(noted)
            if self._thread is None:
                self._thread = threading.Thread(target=self._forward, name="publisher", daemon=True)
                self._thread.start()
            self._change.notify()
        return noted.arrived.wait(0 if self._pausing() else WAIT_SECONDS)

    def close(self) -> None:
        """Sends what waits, for at most DRAIN_SECONDS."""
        with self._change:
            self._closing = True
            self._change.notify()
        if self._thread:
            self._thread.join(DRAIN_SECONDS)
        if self._noted:
            log.error("events lost", extra={"events": len(self._noted)})

    def _pausing(self) -> bool:
        return time.monotonic() < self._pause_until

    def _connected(self) -> KafkaProducer:
        with self._connecting:
            if self._producer is None:
                self._producer = streams.producer()
                # After the producer's own, so before it: the last registered runs first.
                atexit.register(self.close)
            return self._producer

    def _forward(self) -> None:
        while batch := self._next_batch():
            try:
                self.publish(batch[0].topic, b"\n".join(noted.line for noted in batch))
            except KafkaDown:
                with self._change:
                    self._noted.extendleft(reversed(batch))
                    self._change.wait_for(lambda: self._closing, PAUSE_SECONDS)
                    if self._closing:
                        return
            else:
                for noted in batch:
                    noted.arrived.set()

    def _next_batch(self) -> list[_Noted]:
        """Events of one topic, at most a record's; waits for the first. Empty: closing, and none left."""
        with self._change:
            self._change.wait_for(lambda: self._noted or self._closing)
            batch: list[_Noted] = []
            while self._noted and len(batch) < streams.EVENTS_A_RECORD:
                if batch and self._noted[0].topic != batch[0].topic:
                    break
                batch.append(self._noted.popleft())
            return batch


_publisher = Publisher()
publish = _publisher.publish
note = _publisher.note
