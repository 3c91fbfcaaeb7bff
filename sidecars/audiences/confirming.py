"""Double opt-in: who is pending is asked by mail, and is subscribed once they confirm by its link.

A mail to ask is a row here first; `confirmation_mails` hands it over. Each link works till it is over, also
when a later mail was sent: people press the one that they find.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from peewee import fn

from sidecars.audiences import history
from sidecars.audiences.history import Proof
from sidecars.audiences.languages import Language, choose
from sidecars.mail.recipients import Recipient, language_of
from sidecars.models import Audience, Confirmation, Contact, database, now
from sidecars.models.audiences import PENDING, SUBSCRIBED

GOOD_FOR = timedelta(days=7)
# Somebody else's address may be typed into a form over and over.
MOST_A_DAY = 3
LEAST_PAUSE = timedelta(minutes=2)

WAITING, MAILED, UNMAILED, CONFIRMED = "waiting", "mailed", "unmailed", "confirmed"


class NotPending(Exception):
    """The contact does not wait for a confirmation; the text says why."""


class TooOften(Exception):
    """They were asked just now, or MOST_A_DAY times within a day; `again_at` is when they may be again."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__(f"not again before {again_at:%Y-%m-%d %H:%M} UTC")
        self.again_at = again_at


class Asked(NamedTuple):
    """What a link is about: a list as its readers see it, an address, and whether it can still be confirmed.

    `language` is that of the person or the list; empty: the browser's.
    """

    list_name: str
    address: str
    status: str
    is_over: bool
    language: str


def ask(contact_ids: Iterable[int]) -> None:
    """Has a mail sent to each, in the caller's transaction; not to who had MOST_A_DAY within a day."""
    ids = list(contact_ids)
    if not ids:
        return
    numbers = _numbers(ids)
    rows = [
        {"contact": id_, "message_id": uuid4(), "expires_at": now() + GOOD_FOR}
        for id_ in ids
        if numbers.get(id_, 0) < MOST_A_DAY
    ]
    if rows:
        Confirmation.insert_many(rows).execute()


def ask_again(contact: Contact) -> Confirmation:
    """Has another mail sent. Raises NotPending, TooOften."""
    with database.atomic():
        locked = Contact.select().where(Contact.id == contact.id).for_update().get()
        if locked.status != PENDING:
            raise NotPending(f"the contact is {locked.status}")
        if not locked.audience.double_opt_in:
            raise NotPending("the audience has no double opt-in")
        recent = [each for each in latest(contact.id) if each.created_at > _day_ago()]
        if recent and recent[0].created_at > now() - LEAST_PAUSE:
            raise TooOften(recent[0].created_at + LEAST_PAUSE)
        if len(recent) >= MOST_A_DAY:
            raise TooOften(recent[MOST_A_DAY - 1].created_at + timedelta(days=1))
        ask([contact.id])
    return latest(contact.id)[0]


def latest(contact_id: int) -> list[Confirmation]:
    """The mails that asked the contact, newest first."""
    mine = Confirmation.select().where(Confirmation.contact == contact_id)
    return list(mine.order_by(Confirmation.id.desc()).limit(20))


def asked(message_id: UUID) -> Asked | None:
    """What the mail asked; None where there is no such mail, or its contact is gone."""
    found = _find(message_id)
    return _as_asked(found) if found else None


def confirm(message_id: UUID, ip: str, user_agent: str) -> Asked | None:
    """Subscribes whom the mail asked, with the proof of it; once, however often this is called.

    None as of `asked`; where it is over, or the person left since, nothing happens.
    """
    found = _find(message_id)
    if found is None:
        return None
    if not _as_asked(found).is_over:
        with database.atomic():
            waits = (Contact.id == found.contact_id, Contact.status == PENDING)
            at = now()
            if Contact.update(status=SUBSCRIBED, subscribed_at=at, updated_at=at).where(*waits).execute():
                words = choose([_as_asked(found).language])
                shown = words.text("confirm_title", list=shown_name(found.contact.audience))
                proof = Proof(history.CONFIRMATION, str(message_id), ip, user_agent, shown)
                history.note([(found.contact_id, SUBSCRIBED, proof)], at)
                Confirmation.update(state=CONFIRMED).where(Confirmation.id == found.id).execute()
    return asked(message_id)


def shown_name(audience: Audience) -> str:
    """The list as its readers see it."""
    return str(audience.public_name or audience.name)


def language(contact: Contact) -> Language:
    """That of the mail which asks."""
    return choose([_language_of(contact)])


def _as_asked(found: Confirmation) -> Asked:
    contact = found.contact
    is_over = contact.status != SUBSCRIBED and (found.expires_at <= now() or contact.status != PENDING)
    name, address = shown_name(contact.audience), contact.email
    return Asked(name, address, contact.status, is_over, _language_of(contact))


def _language_of(contact: Contact) -> str:
    of_person = language_of(Recipient(UUID(int=0), contact.id, contact.email, properties=contact.properties))
    return of_person or str(contact.audience.locale)


def _find(message_id: UUID) -> Confirmation | None:
    query = Confirmation.select(Confirmation, Contact, Audience).join(Contact).join(Audience)
    return query.where(Confirmation.message_id == message_id).get_or_none()


def _numbers(contact_ids: list[int]) -> dict[int, int]:
    """How often each was asked within a day."""
    rows = (
        Confirmation.select(Confirmation.contact, fn.COUNT(1))
        .where(Confirmation.contact.in_(contact_ids), Confirmation.created_at > _day_ago())
        .group_by(Confirmation.contact)
    )
    return dict(database.execute(rows))


def _day_ago() -> datetime:
    return now() - timedelta(days=1)
