"""An enricher's loop in this process, from the present end of its topics on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest


@pytest.fixture
def enricher(stack: Any) -> Iterator[Any]:
    """A running loop; its `producer` may be used to feed it."""
    from sidecars.enrichers.handlers import HANDLERS

    with running_loop(HANDLERS) as loop:
        yield loop


@pytest.fixture
def feed(stack: Any) -> Iterator[Callable[..., None]]:
    """`feed(topic, events)` puts them into one record, `feed(topic, raw=bytes)` puts the bytes."""
    from sidecars import streams

    producer = streams.producer()

    def put(topic: str, events: Any = (), raw: bytes | None = None) -> None:
        producer.send(topic, streams.ndjson(events) if raw is None else raw).get(timeout=60)

    yield put
    producer.close()


@contextmanager
def running_loop(handlers: Any, group: str | None = None) -> Iterator[Any]:
    """A loop of a consumer group of its own, in a thread, until the block ends."""
    from sidecars import names, streams
    from sidecars.enrichers.loop import Loop
    from tests.support import wait_for

    consumer = streams.consumer(group or f"test-{uuid4()}", names.RAW_TOPICS)
    if group is None:
        wait_for(lambda: consumer.poll(timeout_ms=1000) is not None and len(consumer.assignment()) >= 9)
        consumer.seek_to_end()
        for partition in consumer.assignment():
            consumer.position(partition)
        consumer.commit()
    loop = Loop(handlers, consumer, streams.producer())
    stopping = threading.Event()
    thread = threading.Thread(target=loop.run, args=(stopping,))
    thread.start()
    try:
        yield loop
    finally:
        stopping.set()
        thread.join(timeout=20)
        assert not thread.is_alive()
