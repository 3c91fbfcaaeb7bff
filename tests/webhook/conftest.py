"""The receiver in this process, on the real Kafka, Redis and MySQL."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def client(stack: Any) -> Any:
    """A client of the app."""
    from sidecars.webhook.app import app

    return app.test_client()


@pytest.fixture
def statuses(stack: Any) -> Iterator[Any]:
    """What comes to the topic of statuses."""
    from sidecars.names import TOPIC_STATUSES
    from tests.kafka_topics import watch

    with watch(TOPIC_STATUSES) as records:
        yield records


@pytest.fixture
def opens(stack: Any) -> Iterator[Any]:
    """What comes to the topic of opens."""
    from sidecars.names import TOPIC_OPENS
    from tests.kafka_topics import watch

    with watch(TOPIC_OPENS) as records:
        yield records


@pytest.fixture
def clicks(stack: Any) -> Iterator[Any]:
    """What comes to the topic of clicks."""
    from sidecars.names import TOPIC_CLICKS
    from tests.kafka_topics import watch

    with watch(TOPIC_CLICKS) as records:
        yield records
