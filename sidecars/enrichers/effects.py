"""Doing what a processor decided: rows to Kafka, then the ledger, suppressions, unsubscribes and webhooks.

Each part may be done twice, as a record is read again after a crash: rows are told apart by event id, moves
are conditional, a suppression stands once, a soft bounce counts once, an app has one delivery of an event.
"""

from kafka import KafkaProducer

from sidecars import streams
from sidecars.audiences.unsubscribe import leave
from sidecars.broadcasts.settle import settle
from sidecars.deliverability.erased import erased_among
from sidecars.deliverability.soft_bounces import count_soft_bounce
from sidecars.deliverability.suppressions import suppress
from sidecars.enrichers.apps import tell_apps
from sidecars.enrichers.outcome import Outcome
from sidecars.telemetry import waiting_for

ACKNOWLEDGED_WITHIN_SECONDS = 10


def apply(outcome: Outcome, producer: KafkaProducer) -> None:
    """Returns when all of it is done. Raises kafka.errors.KafkaError and peewee.PeeweeException."""
    with waiting_for("kafka", streams.is_away):
        sent = [
            producer.send(topic, streams.ndjson(rows[start : start + streams.EVENTS_A_RECORD]))
            for topic, rows in outcome.rows.items()
            for start in range(0, len(rows), streams.EVENTS_A_RECORD)
        ]
        for record in sent:
            record.get(timeout=ACKNOWLEDGED_WITHIN_SECONDS)
    if outcome.settlements:
        settle(outcome.settlements)
    for wish in outcome.suppressions:
        if erased_among(wish.team_id, [wish.email]):
            continue
        suppress(
            wish.team_id,
            wish.email,
            wish.reason,
            detail=wish.detail,
            event_id=wish.event_id,
        )
    for bounce in outcome.soft_bounces:
        if not erased_among(bounce.team_id, [bounce.email]):
            count_soft_bounce(*bounce)
    for leaving in outcome.unsubscribes:
        leave(*leaving)
    tell_apps(outcome)
