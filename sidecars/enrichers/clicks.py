"""Links followed and subscriptions ended → rows of `smtp_email_clicks`, and unsubscribes to do. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sidecars import names
from sidecars.edge.messages import Attribution
from sidecars.enrichers.outcome import Event, Outcome, Unsubscribe, attribution, moment
from sidecars.enrichers.verdict import BURST_SECONDS
from sidecars.enrichers.visits import visit_row


def process(
    events: Iterable[Event],
    known: Mapping[UUID, Attribution],
    delivered_at: Mapping[UUID, datetime],
    urls: Mapping[tuple[int, int], str],
    processed_at: str,
) -> Outcome:
    """One row an event.

    `events` holds the recent clicks of each mail beside the new ones: a scanner shows by how many links it
    follows at once, so the first of them is judged again when the others are there, and its row is written
    anew. `urls` has the links by (variant, index). Raises UnknownMessage where `known` lacks a mail.
    """
    outcome = Outcome()
    clicks: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        clicks[event["message_id"]].append(event)
    for of_mail in clicks.values():
        whose = attribution(of_mail[0], known)
        outcome.teams.add(whose.team_id)
        links = [(moment(event), event["link_index"]) for event in of_mail if event["type"] == "click"]
        for event in of_mail:
            at_once = _links_at_once(moment(event), links) if event["type"] == "click" else 0
            row = visit_row(event, whose, delivered_at, processed_at, at_once)
            row |= {name: event[name] for name in ("type", "method", "link_index")}
            if event["type"] == "unsubscribe":
                # A mailbox provider's server posts one-click on behalf of the person who pressed its button.
                row |= {"verdict": "person", "reasons": []}
                if event["method"] != names.METHOD_PREFERENCES:
                    how, by = event["method"], (event["ip"], event["user_agent"])
                    outcome.unsubscribes.append(
                        Unsubscribe(whose, how, event["event_id"], moment(event), *by)
                    )
            else:
                # A submitted mail's link brings its target along.
                row["url"] = event.get("url") or urls.get((whose.variant_id, event["link_index"]), "")
            outcome.add_row(names.TOPIC_CH_CLICKS, row)
    return outcome


def _links_at_once(at: datetime, links: Sequence[tuple[datetime, int]]) -> int:
    return len({link for moment, link in links if abs((moment - at).total_seconds()) <= BURST_SECONDS})
