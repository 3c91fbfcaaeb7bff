"""What enrichers must know beside the event itself: from Redis, else from MySQL.

Each answers for a whole batch with one query. Raises redis.RedisError and peewee.PeeweeException.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from sidecars import names
from sidecars.archive.sends import find_sends
from sidecars.broadcasts.states import SendState
from sidecars.edge.messages import Attribution
from sidecars.edge.store import redis
from sidecars.enrichers.outcome import Event, Recipient
from sidecars.models import Contact, Email, Link

# A scanner that follows a mail's links for minutes must not fill memory.
MOST_RECENT_CLICKS = 100
_ADD_CLICKS = redis.register_script(
    f"""for i, key in ipairs(KEYS) do
            if redis.call('HLEN', key) < {MOST_RECENT_CLICKS} then
                redis.call('HSET', key, ARGV[2 * i], ARGV[2 * i + 1])
                redis.call('EXPIRE', key, ARGV[1])
            end
        end"""
)


def delivered_at(message_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When the mails were delivered, to the second; without those that the ledger has not as delivered."""
    return {
        message_id: datetime.fromtimestamp(send.settled_at, UTC)
        for message_id, send in find_sends(message_ids).items()
        if send.state == SendState.DELIVERED
    }


def addresses(attributions: Iterable[Attribution]) -> dict[Attribution, str]:
    """To whom the mails went."""
    wanted = set(attributions)
    contacts = [whose.contact_id for whose in wanted if whose.broadcast_id]
    emails = [whose.contact_id for whose in wanted if not whose.broadcast_id]
    of_contact = {
        c.id: c.email for c in Contact.select(Contact.id, Contact.email).where(Contact.id.in_(contacts))
    }
    of_email = {
        e.id: e.recipient for e in Email.select(Email.id, Email.recipient).where(Email.id.in_(emails))
    }
    found = {
        whose: (of_contact if whose.broadcast_id else of_email).get(whose.contact_id) for whose in wanted
    }
    return {whose: address for whose, address in found.items() if address}


def recipients(known: Mapping[UUID, Attribution]) -> dict[UUID, list[Recipient]]:
    """To whom the mails went, without those whose recipient is gone.

    Several where a team's program handed over one mail to many: they may share the first one's return path.
    """
    if not known:
        return {}
    known_addresses = addresses(known.values())
    alone = {
        message_id: [Recipient(message_id, whose, known_addresses[whose])]
        for message_id, whose in known.items()
        if whose in known_addresses
    }
    return alone | _submitted_together(
        [whose.contact_id for whose in known.values() if not whose.broadcast_id]
    )


def _submitted_together(email_ids: Sequence[int]) -> dict[UUID, list[Recipient]]:
    if not email_ids:
        return {}
    returned = Email.alias()
    rows: Any = (
        Email.select(returned.message_id, Email.id, Email.team, Email.message_id, Email.recipient)
        .join(returned, on=(Email.submission == returned.submission) & (Email.team == returned.team))
        .where(returned.id.in_(email_ids))
        .order_by(Email.id)
        .tuples()
    )
    found: dict[UUID, list[Recipient]] = defaultdict(list)
    for of, email_id, team_id, message_id, address in rows:
        found[of].append(Recipient(message_id, Attribution(team_id, 0, email_id, 0), address))
    return found


def urls(wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Links by (variant, index), as their author wrote them."""
    return {key: url for key in set(wanted) if (url := _url(*key))}


def with_recent(clicks: Sequence[Event]) -> list[Event]:
    """The clicks and those of the same mails in the last ten minutes, each once. Remembers the new ones."""
    if not clicks:
        return []
    keys = [names.recent_clicks_key(click["message_id"]) for click in clicks]
    fields = [part for click in clicks for part in (click["event_id"], orjson.dumps(click))]
    _ADD_CLICKS(keys=keys, args=[names.RECENT_CLICKS_TTL_SECONDS, *fields])
    with redis.pipeline(transaction=False) as pipeline:
        for key in dict.fromkeys(keys):
            pipeline.hgetall(key)
        remembered: list[Mapping[str, str]] = pipeline.execute()
    events = {name: orjson.loads(event) for of_mail in remembered for name, event in of_mail.items()}
    return list((events | {click["event_id"]: click for click in clicks}).values())


@lru_cache(maxsize=20_000)
def _url(variant_id: int, index: int) -> str | None:
    link = Link.get_or_none(Link.variant == variant_id, Link.idx == index)
    return str(link.url) if link else None
