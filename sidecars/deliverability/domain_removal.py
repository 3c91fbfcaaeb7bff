"""Taking a sending domain away from its team: as the team asks, or since it never proved that it is its own.

What was sent from it stays readable: its senders stay while a broadcast names them, without a domain.
"""

from collections.abc import Sequence
from datetime import timedelta

from sidecars.broadcasts.states import BroadcastState, SendState
from sidecars.deliverability.domains import KEEP_PREVIOUS_KEY, state_of
from sidecars.edge.records import write_domain_of
from sidecars.models import Broadcast, Send, SenderIdentity, SendingDomain, Variant, database, now
from sidecars.settings import settings

_MOVING = (
    BroadcastState.SCHEDULED.value,
    BroadcastState.PLANNING.value,
    BroadcastState.SENDING.value,
    BroadcastState.PAUSED.value,
)


class DomainInUse(Exception):
    """Broadcasts are on their way from the domain; the message names them, and says what to do."""


def remove(domain_id: int) -> None:
    """Removes the domain and its keys; edges refuse mail from it when this returns.

    Submitted mail that waits to be signed (X-Kibamail-Send-At) cannot be any more, and bounces in time.
    Raises DomainInUse, peewee.DoesNotExist.
    """
    with database.atomic():
        domain = SendingDomain.select().where(SendingDomain.id == domain_id).for_update().get()
        if using := _on_their_way(domain):
            raise DomainInUse(_told(using))
        its_own = SenderIdentity.domain == domain
        named = Broadcast.select(Broadcast.sender).where(Broadcast.team == domain.team_id)
        by_variants = Variant.select(Variant.sender).where(Variant.sender.is_null(False))
        kept = SenderIdentity.id.in_(named) | SenderIdentity.id.in_(by_variants)
        SenderIdentity.update(domain=None).where(its_own, kept).execute()
        SenderIdentity.delete().where(its_own).execute()
        domain.delete_instance()
        # Before the commit: where Redis is away, nothing is removed, and no edge goes on taking its mail.
        write_domain_of(domain.team_id, domain.name)


def is_stale(domain: SendingDomain) -> bool:
    """Whether it was never verified, for UNVERIFIED_DOMAIN_DAYS."""
    days = settings.unverified_domain_days
    age: timedelta = now() - domain.created_at
    return state_of(domain) == "pending" and 0 < days <= age / timedelta(days=1)


def _on_their_way(domain: SendingDomain) -> list[Broadcast]:
    """Locks all of the domain's broadcasts, so that none is published meanwhile."""
    senders = SenderIdentity.select(SenderIdentity.id).where(SenderIdentity.domain == domain)
    of_variants = Variant.select(Variant.broadcast).where(Variant.sender.in_(senders))
    uses_it = Broadcast.sender.in_(senders) | Broadcast.id.in_(of_variants)
    rows = Broadcast.select().where(Broadcast.team == domain.team_id, uses_it).for_update()
    return [row for row in rows if row.state in _MOVING or _is_at_an_edge(row)]


def _is_at_an_edge(broadcast: Broadcast) -> bool:
    """Sent, but some of its mails may still have to be signed; no queue keeps one for longer than that."""
    if broadcast.finished_at is None or broadcast.finished_at < now() - KEEP_PREVIOUS_KEY:
        return False
    there = Send.select().where(Send.broadcast_id == broadcast.id, Send.state == SendState.ACCEPTED)
    return bool(there.exists())


def _told(broadcasts: Sequence[Broadcast]) -> str:
    names = ", ".join(f'{each.id} ("{each.name}")' for each in broadcasts[:5])
    more = f" and {len(broadcasts) - 5} more" if len(broadcasts) > 5 else ""
    return (
        f"Broadcasts on their way use this domain: {names}{more}. Cancel them, or wait until they are sent."
    )
