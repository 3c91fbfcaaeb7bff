"""Pixels asked for → rows of `smtp_email_opens`. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sidecars import names
from sidecars.edge.messages import Attribution
from sidecars.enrichers.outcome import Event, Outcome, attribution
from sidecars.enrichers.visits import visit_row


def process(
    events: Iterable[Event],
    known: Mapping[UUID, Attribution],
    delivered_at: Mapping[UUID, datetime],
    processed_at: str,
) -> Outcome:
    """One row an event. Raises UnknownMessage where `known` lacks a mail."""
    outcome = Outcome()
    for event in events:
        whose = attribution(event, known)
        outcome.teams.add(whose.team_id)
        outcome.add_row(names.TOPIC_CH_OPENS, visit_row(event, whose, delivered_at, processed_at))
    return outcome
