"""What a person wants of a team's broadcasts: which lists, a break from all of them, or none ever again.

A break and leaving everything are suppressions of broadcasts that the person may take back. Other
suppressions are not theirs: a dead address, a complaint, what the team put in by hand.
"""

from collections.abc import Container
from contextlib import suppress as ignoring
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from peewee import JOIN
from redis import RedisError

from sidecars import names
from sidecars.audiences import contacts, history
from sidecars.audiences.contacts import ContactFacts
from sidecars.audiences.history import Proof
from sidecars.audiences.unsubscribe import address_of, unsubscribe
from sidecars.deliverability.suppressions import lift, suppress
from sidecars.edge.messages import find_in_ledger
from sidecars.models import Audience, Broadcast, Contact, Suppression, Team, database, now
from sidecars.models.audiences import SUBSCRIBED
from sidecars.models.suppressions import ALL_STREAMS, BROADCAST, PAUSE, UNSUBSCRIBE

BECAUSE = "Chosen on the preference page."
BY = "the recipient"


@dataclass(frozen=True)
class ListChoice:
    """A list that a person is on, or may join; as its readers see it."""

    audience_id: int
    name: str
    description: str
    is_on: bool


@dataclass(frozen=True)
class Preferences:
    """What stands now. `came_from` is the audience of the mail whose link was followed, None: of none.

    `paused_until` is in UTC; `is_stopped`: the address gets no broadcasts for a reason that is not its
    person's choice.
    """

    team_id: int
    team: str
    address: str
    came_from: int | None
    lists: list[ListChoice]
    paused_until: datetime | None
    has_left: bool
    is_stopped: bool

    @property
    def stays(self) -> bool:
        """Whether the person still wants mail such as the one whose link was followed."""
        on = {each.audience_id for each in self.lists if each.is_on}
        return not self.has_left and (self.came_from is None or self.came_from in on)


@dataclass(frozen=True)
class Wish:
    """Of the lists in `shown` the person wants to be on those in `kept`; others are left as they are.

    `leaves`: no more broadcasts of the team. `pauses_until`: none before that day (UTC). None of both:
    broadcasts as usual. `says_when` False: that stays as it is.
    """

    shown: Container[int] = ()
    kept: Container[int] = ()
    says_when: bool = False
    leaves: bool = False
    pauses_until: date | None = None


def of_mail(message_id: UUID) -> Preferences | None:
    """Those of the person whom the mail went to; None where the mail or its recipient is not known any more.

    Raises peewee.PeeweeException where MySQL does not answer; of an archived ledger what S3 raises.
    """
    whose = find_in_ledger([message_id]).get(message_id)
    address = address_of(whose) if whose else None
    if whose is None or address is None:
        return None
    address = names.address_key(address)
    broadcast = Broadcast.get_or_none(Broadcast.id == whose.broadcast_id)
    standing = _standing(whose.team_id, address)
    chosen = [row for row in standing if _is_own(row)]
    return Preferences(
        whose.team_id,
        Team.get_by_id(whose.team_id).name,
        address,
        broadcast.audience_id if broadcast else None,
        _lists(whose.team_id, address),
        paused_until=next((row.expires_at for row in chosen if row.reason == PAUSE), None),
        has_left=any(row.reason == UNSUBSCRIBE for row in chosen),
        is_stopped=len(standing) > len(chosen),
    )


def save(preferences: Preferences, wish: Wish, event_id: str, ip: str = "", user_agent: str = "") -> None:
    """Makes it so, at once, with the proof of who wanted it. May be done again.

    Raises peewee.PeeweeException.
    """
    proof = Proof(history.PREFERENCES, event_id, ip, user_agent)
    with database.atomic():
        for each in preferences.lists:
            if each.audience_id in wish.shown:
                _choose(each, preferences.address, each.audience_id in wish.kept, proof)
    if wish.says_when:
        _set_when(preferences.team_id, preferences.address, wish, event_id)


def _choose(choice: ListChoice, address: str, wanted: bool, proof: Proof) -> None:
    """Nobody is asked to confirm: the link that led here went to the address."""
    if wanted == choice.is_on:
        return
    facts, proof = ContactFacts(status=SUBSCRIBED), proof._replace(shown=choice.name)
    contact = Contact.get_or_none(Contact.audience == choice.audience_id, Contact.email == address)
    if contact is None:
        contacts.upsert(choice.audience_id, address, facts, proof)
    elif wanted:
        contacts.update(contact.id, facts, proof)
    else:
        unsubscribe(
            contact.id,
            names.METHOD_PREFERENCES,
            proof.reference,
            ip=proof.ip,
            user_agent=proof.user_agent,
        )


def _set_when(team_id: int, address: str, wish: Wish, event_id: str) -> None:
    wanted: tuple[str, datetime | None] | None = None
    if wish.leaves:
        wanted = UNSUBSCRIBE, None
    elif wish.pauses_until:
        wanted = PAUSE, datetime.combine(wish.pauses_until, datetime.min.time(), UTC)
    stands = next((row for row in _standing(team_id, address) if _is_own(row)), None)
    if wanted == (stands and (stands.reason, stands.expires_at)):
        return
    # Where Redis is away MySQL has it nevertheless, and the clock tells the edges.
    if stands:
        with ignoring(RedisError):
            lift(team_id, stands.id, BECAUSE, BY)
    if wanted:
        reason, until = wanted
        with ignoring(RedisError):
            suppress(
                team_id,
                address,
                reason,
                stream=BROADCAST,
                detail=BECAUSE,
                event_id=event_id,
                expires_at=until,
            )


def _standing(team_id: int, address: str) -> list[Suppression]:
    """What keeps the address from broadcasts now."""
    query = Suppression.select().where(
        Suppression.team == team_id,
        Suppression.email == address,
        Suppression.stream.in_((ALL_STREAMS, BROADCAST)),
        Suppression.expires_at.is_null() | (Suppression.expires_at > now()),
    )
    return list(query)


def _is_own(row: Suppression) -> bool:
    """Whether it is the person's own wish."""
    return row.stream == BROADCAST and row.reason in (UNSUBSCRIBE, PAUSE)


def _lists(team_id: int, address: str) -> list[ListChoice]:
    theirs = (Contact.audience == Audience.id) & (Contact.email == address)
    rows: Any = (
        Audience.select(Audience, Contact.id.alias("contact_id"), Contact.status.alias("status"))
        .join(Contact, JOIN.LEFT_OUTER, on=theirs)
        .where(Audience.team == team_id, Contact.id.is_null(False) | Audience.is_open)
        .order_by(Audience.id)
        .objects()
    )
    return [
        ListChoice(row.id, row.public_name or row.name, row.description, row.status == SUBSCRIBED)
        for row in rows
    ]
