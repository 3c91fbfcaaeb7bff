"""The numbers of a mail's way through the stages, in Prometheus' terms."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

# In the order in which a mail passes them. `deliver` is counted by the edge, on its own /metrics.
STAGES = ("plan", "claim", "compose", "submit", "accept", "deliver", "report", "enrich", "settle")

MAILS = Counter("kibamail_mails_total", "Mails that passed a stage.", ["stage"])
STAGE_SECONDS = Histogram(
    "kibamail_stage_seconds",
    "Time of a stage for what it does at once: a slice of mails, or a record of events.",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
EVENTS = Counter("kibamail_events_total", "Events taken in: mta, open, click, unsubscribe.", ["type"])
EDGE_RESULTS = Counter(
    "kibamail_edge_results_total",
    "The edge's answers to mails: accepted, duplicate, busy, rejected.",
    ["status"],
)
DEAD_LETTERS = Counter("kibamail_dead_letters_total", "Records that could not be processed.", ["topic"])
CONSUMER_LAG = Gauge(
    "kibamail_consumer_lag_records",
    "Records that wait behind the consumer's position.",
    ["topic", "partition"],
)
BOOKS_DIFFERENCE = Gauge(
    "kibamail_books_difference",
    "Mails of which a broadcast's ledger and ClickHouse tell differently, and for longer than they may.",
    ["broadcast_id"],
)
BOOKS_AUDITED = Gauge(
    "kibamail_books_audited_timestamp_seconds",
    "When the books of all recent broadcasts had been looked at; 0: this process leaves it to another.",
)
SENDING_DOMAINS = Gauge(
    "kibamail_sending_domains",
    "Domains in a state: pending, verified, failing (a record vanished, it still sends), stopped.",
    ["state"],
)
NOTICES = Counter(
    "kibamail_notices_total",
    "Notices to teams' people: mailed; or unmailed, as NOTICES_FROM is not set or was not verified in time.",
    ["outcome"],
)
CALLBACKS = Counter(
    "kibamail_callbacks_total", "Attempts to tell teams' apps of events: delivered, failed.", ["outcome"]
)
CALLBACKS_LATE = Gauge(
    "kibamail_callbacks_late_seconds", "For how long the endpoint that waits longest has waited for a worker."
)


@contextmanager
def stage(name: str, mails: int) -> Iterator[None]:
    """Times the block as a stage, and counts its mails unless it raises."""
    started = time.perf_counter()
    try:
        yield
        MAILS.labels(name).inc(mails)
    finally:
        STAGE_SECONDS.labels(name).observe(time.perf_counter() - started)
