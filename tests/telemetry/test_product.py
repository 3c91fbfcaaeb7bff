import json

PUBLISH = """
from sidecars.telemetry import product_event, setup
setup("web")
product_event(7, "broadcast published", {"recipients": 10000})
"""


def test_an_event_arrives_at_posthog(receiver, run_python):
    run_python(PUBLISH, POSTHOG_KEY="phc_test", POSTHOG_HOST=f"http://127.0.0.1:{receiver.port}")
    ((path, body),) = receiver.requests
    sent = json.loads(body)
    (event,) = sent["batch"]
    assert path == "/batch/"
    assert sent["api_key"] == "phc_test"
    assert event["event"] == "broadcast published"
    assert event["distinct_id"] == "team:7"
    assert event["properties"]["recipients"] == 10000


def test_an_event_neither_raises_nor_waits_where_posthog_is_away_or_a_property_is_odd(run_python):
    run_python(
        PUBLISH
        + """
import time
product_event(7, "odd", {"value": object()})
started = time.perf_counter()
for n in range(100):
    product_event(7, "broadcast published")
assert time.perf_counter() - started < 5
""",
        POSTHOG_KEY="phc_test",
        POSTHOG_HOST="http://127.0.0.1:9",
    )


def test_without_a_key_nothing_leaves(receiver, run_python):
    run_python(PUBLISH, POSTHOG_KEY="", POSTHOG_HOST=f"http://127.0.0.1:{receiver.port}")
    assert receiver.requests == []
