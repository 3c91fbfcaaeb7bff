"""ClickHouse as the stack prepared it, fed by way of Kafka like in production."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def feed(stack: Any) -> Iterator[Callable[..., None]]:
    """`feed(topic, rows)` puts rows into records of a ClickHouse topic; `raw=` puts the bytes."""
    from peewee import chunked

    from sidecars import streams

    producer = streams.producer()

    def put(topic: str, rows: Any = (), raw: bytes | None = None) -> None:
        for some in chunked(rows, 50):
            producer.send(topic, streams.ndjson(some)).get(timeout=60)
        if raw is not None:
            producer.send(topic, raw).get(timeout=60)

    yield put
    producer.close()
