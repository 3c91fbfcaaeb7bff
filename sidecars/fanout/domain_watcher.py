"""The fan-out's thread that checks sending domains when they are due. DNS may be slow; no mail waits."""

import logging
import threading
from contextlib import suppress

from peewee import DoesNotExist

from sidecars.broadcasts import control
from sidecars.broadcasts.errors import WrongState
from sidecars.broadcasts.states import BroadcastState
from sidecars.deliverability import domain_removal, domain_schedule, domains
from sidecars.models import Broadcast, SenderIdentity, SendingDomain, database
from sidecars.telemetry import SENDING_DOMAINS

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 10.0


def keep_watching(stopping: threading.Event) -> None:
    """Checks one domain after the other while any is due. Several processes share the work."""
    while not stopping.is_set():
        try:
            with database.connection_context():
                if (domain_id := domain_schedule.take_due()) is not None:
                    look_at(domain_id)
                    continue
                for state, number in domain_schedule.counts().items():
                    SENDING_DOMAINS.labels(state).set(number)
        except Exception:
            log.exception("a sending domain could not be checked, it is tried again")
        stopping.wait(LOOK_EVERY_SECONDS)


def look_at(domain_id: int) -> None:
    """Checks the domain, rotates its key if that is due, and pauses what is being sent from a stopped one.

    Forgets one that nobody has proven for long, and passes over one that its team removes meanwhile.
    """
    with suppress(DoesNotExist):
        domains.verify(domain_id)
        _follow(SendingDomain.get_by_id(domain_id))


def _follow(domain: SendingDomain) -> None:
    """What follows from its state."""
    if domains.rotation_due(domain):
        with suppress(domains.NextKeyUnseen):
            domains.rotate(domain.id)
    if domains.state_of(domain) == "stopped":
        _pause_broadcasts(domain)
    if domain_removal.is_stale(domain):
        with suppress(domain_removal.DomainInUse):
            domain_removal.remove(domain.id)
            log.info("a domain that was never verified is forgotten", extra={"domain": domain.name})


def _pause_broadcasts(domain: SendingDomain) -> None:
    """Its people resume them when the records are back."""
    on_their_way = (BroadcastState.PLANNING.value, BroadcastState.SENDING.value)
    broadcasts = (
        Broadcast.select(Broadcast.id)
        .join(SenderIdentity)
        .where(SenderIdentity.domain == domain, Broadcast.state.in_(on_their_way))
    )
    for broadcast in broadcasts:
        with suppress(WrongState):
            control.pause(broadcast.id, f"Paused, as {domain.name} has stopped sending.")
            log.warning(
                "broadcast paused, as its sending domain stopped", extra={"broadcast_id": broadcast.id}
            )
