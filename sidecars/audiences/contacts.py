"""Audiences and the people in them, one or a thousand at a time; files of them come in by `importing`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import IntegrityError, OperationalError

from sidecars.audiences import confirming, history, properties, tags
from sidecars.audiences.history import Proof
from sidecars.deliverability.addresses import AddressError, checked
from sidecars.models import Audience, Contact, MergedContact, database, now
from sidecars.models.audiences import PENDING, SUBSCRIBED, UNSUBSCRIBED
from sidecars.usage import limits
from sidecars.usage.limits import OverPlan

READ_COMMITTED = "READ COMMITTED"  # locks rows and not the gaps between them
# MySQL's "deadlock" and "lock wait timeout": the transaction is undone and can simply be tried again.
TRANSIENT = {1205, 1213}
MOST_ATTEMPTS = 3
BY_API = Proof(history.API)

_CHANGEABLE = (
    Contact.first_name,
    Contact.last_name,
    Contact.properties,
    Contact.status,
    Contact.subscribed_at,
    Contact.unsubscribed_at,
    Contact.updated_at,
)


class AudienceExists(Exception):
    """The team has an audience of this name."""


class PropertyMismatch(ValueError):
    """A property's value is not of the kind that the audience declares for it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass
class ContactFacts:
    """What is said of a contact; None leaves a field as it is, a property of None takes it away.

    `consent` is the proof of its status, None: that of whoever says all this.
    """

    first_name: str | None = None
    last_name: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    tags: list[str] | None = None
    status: str | None = None
    consent: Proof | None = None


@dataclass
class Outcome:
    """What became of one person of many: the contact, or the error."""

    contact: Contact | None = None
    is_new: bool = False
    error: AddressError | PropertyMismatch | OverPlan | None = None


def create_audience(team_id: int, name: str, **facts: Any) -> Audience:
    """`facts` are columns of the audience. Raises AudienceExists."""
    try:
        return Audience.create(team=team_id, name=name, **facts)
    except IntegrityError as error:
        raise AudienceExists(name) from error


def change_audience(audience_id: int, **facts: Any) -> Audience:
    """Sets columns of the audience. Raises AudienceExists."""
    if facts:
        try:
            Audience.update(**facts).where(Audience.id == audience_id).execute()
        except IntegrityError as error:
            raise AudienceExists(facts.get("name", "")) from error
    return Audience.get_by_id(audience_id)


def audience_of(team_id: int, audience_id: int) -> Audience | None:
    """The audience, if it is the team's."""
    return Audience.get_or_none(Audience.id == audience_id, Audience.team == team_id)


def audiences(team_id: int, after: int, limit: int) -> list[Audience]:
    """The team's audiences beyond id `after`, in the order in which they were made."""
    query = Audience.select().where(Audience.team == team_id, Audience.id > after)
    return list(query.order_by(Audience.id).limit(limit))


def contact_of(team_id: int, contact_id: int) -> Contact | None:
    """The contact, if it is in an audience of the team; that which a merged one is part of now."""
    merged = MergedContact.get_or_none(MergedContact.id == contact_id)
    return (
        Contact.select()
        .join(Audience)
        .where(Contact.id == (merged.contact_id if merged else contact_id), Audience.team == team_id)
        .get_or_none()
    )


def upsert(audience_id: int, email: str, facts: ContactFacts, proof: Proof = BY_API) -> tuple[Contact, bool]:
    """The contact with this address, and whether it was made now; as `upsert_all` does it.

    Raises AddressError, PropertyMismatch, OverPlan.
    """
    (outcome,) = upsert_all(audience_id, [(email, facts)], proof)
    if outcome.error:
        raise outcome.error
    assert outcome.contact is not None  # noqa: S101
    return outcome.contact, outcome.is_new


def upsert_all(
    audience_id: int, people: Sequence[tuple[str, ContactFacts]], proof: Proof = BY_API
) -> list[Outcome]:
    """One outcome each, in order; who cannot be taken leaves the others as they would be without.

    A new one is subscribed, or pending where the audience asks people to confirm, unless `facts.status` says
    otherwise. One who unsubscribed stays so: only `update` subscribes again, as that must be somebody's
    decision about this one person; but where people are asked to confirm, `pending` asks such a one again.
    An address that comes twice is one contact, and the later facts win.
    """
    audience = Audience.get_by_id(audience_id)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            with database.atomic(READ_COMMITTED):
                return _upsert_all(audience, people, proof)
        except OperationalError as error:
            if error.args[0] not in TRANSIENT or attempt == MOST_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def update(contact_id: int, facts: ContactFacts, proof: Proof = BY_API) -> Contact:
    """Changes a contact. Raises peewee.DoesNotExist, PropertyMismatch."""
    with database.atomic():
        contact = Contact.select().where(Contact.id == contact_id).for_update().get()
        kinds = properties.declared(contact.audience_id)
        changes = _Changes(contact.audience, proof)
        changes.apply(contact, facts, _fitted(kinds, facts.properties), is_decided=True)
        changes.write(kinds)
    return contact


def delete(contact_id: int) -> bool:
    """Forgets the contact, also that it unsubscribed; the ledger keeps its id. False: there is none."""
    return bool(Contact.delete().where(Contact.id == contact_id).execute())


def _upsert_all(
    audience: Audience, people: Sequence[tuple[str, ContactFacts]], proof: Proof
) -> list[Outcome]:
    kinds = properties.declared(audience.id) if any(facts.properties for _, facts in people) else {}
    outcomes: list[Outcome] = []
    read: list[tuple[Outcome, str, ContactFacts, dict[str, Any]]] = []
    for email, facts in people:
        outcome = Outcome()
        outcomes.append(outcome)
        try:
            read.append((outcome, checked(email), facts, _fitted(kinds, facts.properties)))
        except (AddressError, PropertyMismatch) as error:
            outcome.error = error
    made, contacts, refused = _there(audience, list(dict.fromkeys(address for _, address, _, _ in read)))
    changes = _Changes(audience, proof)
    for outcome, address, facts, values in read:
        if address in refused:
            outcome.error = refused[address]
            continue
        outcome.contact = contacts[address]
        outcome.is_new = address in made
        made.discard(address)
        changes.apply(outcome.contact, facts, values, is_new=outcome.is_new)
    changes.write(kinds)
    return outcomes


def _there(
    audience: Audience, addresses: Sequence[str]
) -> tuple[set[str], dict[str, Contact], dict[str, OverPlan]]:
    """The addresses that were made contacts now, and the contacts of all by address, held till the end.

    And those of which the team's plan allows none any more: the last ones.

    Inserted bare, or met there: two requests for one address at once end with one contact. Both take them in
    the same order, so that neither waits for the other for ever.
    """
    ordered = sorted(addresses)
    mine = (Contact.audience == audience.id, Contact.email.in_(ordered))
    known = {row.email for row in Contact.select(Contact.email).where(*mine)}
    missing = [address for address in ordered if address not in known]
    refused = _beyond_plan(audience, [address for address in addresses if address not in known])
    missing = [address for address in missing if address not in refused]
    at = now()
    bare = {"audience": audience.id, "created_at": at, "updated_at": at}
    bare |= {"status": PENDING} if audience.double_opt_in else {"status": SUBSCRIBED, "subscribed_at": at}
    if missing:
        Contact.insert_many([bare | {"email": address} for address in missing]).on_conflict_ignore().execute()
    rows = Contact.select().where(*mine).order_by(Contact.email).for_update() if ordered else []
    contacts = {row.email: row for row in rows}
    return {address for address in missing if contacts[address].created_at == at}, contacts, refused


def _beyond_plan(audience: Audience, missing: Sequence[str]) -> dict[str, OverPlan]:
    room = limits.room(audience.team_id, limits.CONTACTS) if missing else None
    return {} if room is None else dict.fromkeys(missing[room[0] :], room[1])


class _Changes:
    """What facts make of an audience's contacts: put together, then written by a statement a table."""

    def __init__(self, audience: Audience, proof: Proof) -> None:
        self._audience, self._proof = audience, proof
        self._moves: dict[int, tuple[int, str, Proof]] = {}
        self._contacts: dict[int, Contact] = {}
        self._tags: dict[int, list[str]] = {}

    def apply(
        self,
        contact: Contact,
        facts: ContactFacts,
        values: dict[str, Any],
        is_new: bool = False,
        is_decided: bool = False,
    ) -> None:
        """Changes the contact, as it is in memory; `is_decided`: by somebody, about this one contact."""
        self._contacts[contact.id] = contact
        if facts.first_name is not None:
            contact.first_name = facts.first_name
        if facts.last_name is not None:
            contact.last_name = facts.last_name
        merged = {**contact.properties, **values}
        contact.properties = {name: value for name, value in merged.items() if value is not None}
        if facts.tags is not None:
            self._tags[contact.id] = facts.tags
        status = facts.status or contact.status
        may_move = is_new or is_decided or self._may_ask_for(contact, status)
        moves = status != contact.status and may_move
        if moves:
            _set_status(contact, status)
        if moves or (is_new and contact.id not in self._moves):
            proof = facts.consent or self._proof
            self._moves[contact.id] = (contact.id, contact.status, proof)
        contact.updated_at = now()

    def write(self, kinds: dict[str, str]) -> None:
        """Writes all of it; `kinds` are the properties that there are to be."""
        if not self._contacts:
            return
        properties.declare(self._audience.id, kinds)
        Contact.insert_many([row.__data__ for row in self._contacts.values()]).on_conflict(
            preserve=_CHANGEABLE
        ).execute()
        tags.set_tags(self._audience.id, self._tags)
        history.note(self._moves.values())
        if self._audience.double_opt_in:
            confirming.ask(id_ for id_, status, _ in self._moves.values() if status == PENDING)

    def _may_ask_for(self, contact: Contact, status: str) -> bool:
        """Whether whoever did not decide about this one contact may move it there."""
        asks_again = contact.status == UNSUBSCRIBED and status == PENDING and self._audience.double_opt_in
        return status == UNSUBSCRIBED or asks_again


def _set_status(contact: Contact, status: str) -> None:
    contact.status = status
    if status == SUBSCRIBED:
        contact.subscribed_at = now()
    if status == UNSUBSCRIBED:
        contact.unsubscribed_at = now()


def _fitted(kinds: dict[str, str], changes: dict[str, Any]) -> dict[str, Any]:
    """The values as they are kept; a property not declared yet is in `kinds` then, by its value's kind."""
    values: dict[str, Any] = {}
    fresh: dict[str, str] = {}
    for name, value in changes.items():
        if not name or name != properties.property_name(name):
            raise PropertyMismatch(name, "a property's name is a word of small letters, digits and _")
        values[name] = None
        if value is None:
            continue
        kind = kinds.get(name) or fresh.setdefault(name, properties.kind_of(value))
        try:
            values[name] = properties.fitted(kind, value)
        except properties.PropertyError as error:
            raise PropertyMismatch(name, str(error)) from error
    kinds |= fresh
    return values
