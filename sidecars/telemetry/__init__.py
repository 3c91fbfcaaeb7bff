"""What every process says of itself: JSON logs, health, metrics, errors to Sentry, events to PostHog.

A process calls `setup(process)` once, first. Modules then log with the standard library:
`log.info("slice accepted", extra={"broadcast_id": 7, "accepted": 500})`; the keys of `extra` become fields.
"""

from sidecars.telemetry.backpressure import held_up_by, hold, release, waiting_for
from sidecars.telemetry.health import Check, Health, HealthServer, health_server, instrument
from sidecars.telemetry.metrics import (
    BOOKS_AUDITED,
    BOOKS_DIFFERENCE,
    CALLBACKS,
    CALLBACKS_LATE,
    CONSUMER_LAG,
    DEAD_LETTERS,
    EDGE_RESULTS,
    EVENTS,
    MAILS,
    NOTICES,
    SENDING_DOMAINS,
    STAGE_SECONDS,
    STAGES,
    stage,
)
from sidecars.telemetry.product import product_event
from sidecars.telemetry.setup import setup

__all__ = [
    "BOOKS_AUDITED",
    "BOOKS_DIFFERENCE",
    "CALLBACKS",
    "CALLBACKS_LATE",
    "CONSUMER_LAG",
    "DEAD_LETTERS",
    "EDGE_RESULTS",
    "EVENTS",
    "MAILS",
    "NOTICES",
    "SENDING_DOMAINS",
    "STAGES",
    "STAGE_SECONDS",
    "Check",
    "Health",
    "HealthServer",
    "health_server",
    "held_up_by",
    "hold",
    "instrument",
    "product_event",
    "release",
    "setup",
    "stage",
    "waiting_for",
]
