import threading
import time

import pytest

from sidecars import names
from sidecars.webhook import publisher
from sidecars.webhook.publisher import KafkaDown, Publisher
from tests.support import frozen, wait_for


@pytest.fixture
def own(stack):
    """A publisher of the test's own."""
    made = Publisher()
    yield made
    made.close()


def test_events_of_many_threads_gather_in_few_records(own, opens):
    own.note(names.TOPIC_OPENS, {"number": -1})  # connected
    threads = [threading.Thread(target=own.note, args=(names.TOPIC_OPENS, {"number": n})) for n in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    numbers = {event["number"] for event in opens.wait_for_events(201)}
    assert numbers == set(range(-1, 200))
    assert len(opens.all) < 100


def test_events_of_different_topics_do_not_mix(own, opens, clicks):
    for n in range(20):
        threading.Thread(
            target=own.note, args=((names.TOPIC_OPENS, names.TOPIC_CLICKS)[n % 2], {"number": n})
        ).start()

    assert {event["number"] % 2 for event in opens.wait_for_events(10)} == {0}
    assert {event["number"] % 2 for event in clicks.wait_for_events(10)} == {1}


def test_while_kafka_is_down_nobody_waits_long_and_events_come_when_it_is_back(own, stack, opens):
    own.note(names.TOPIC_OPENS, {"number": -1})
    with frozen(stack.kafka.daemon):
        started = time.monotonic()
        assert not own.note(names.TOPIC_OPENS, {"number": 1})
        assert time.monotonic() - started < 3, "a publish gives up after 5 s"

    wait_for(lambda: {"number": 1} in opens.events())


def test_a_record_that_kafka_did_not_confirm_is_an_error(own, stack):
    own.publish(names.TOPIC_OPENS, b"{}")
    with frozen(stack.kafka.daemon):
        with pytest.raises(KafkaDown):
            own.publish(names.TOPIC_OPENS, b"{}")
        started = time.monotonic()
        with pytest.raises(KafkaDown):
            own.publish(names.TOPIC_OPENS, b"{}")
        assert time.monotonic() - started < 2, "a publish gives up after 5 s"


def test_beyond_its_bound_the_oldest_event_is_counted_as_lost(own, monkeypatch):
    monkeypatch.setattr(publisher, "SPOOL_EVENTS", 3)
    monkeypatch.setattr(own, "_pause_until", time.monotonic() + 60)
    monkeypatch.setattr(publisher, "PAUSE_SECONDS", 60)
    lost = publisher.LOST.labels(names.TOPIC_OPENS)
    before = lost._value.get()

    for n in range(6):
        own.note(names.TOPIC_OPENS, {"number": n})

    assert lost._value.get() >= before + 1
