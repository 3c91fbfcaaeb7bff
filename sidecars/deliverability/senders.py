"""Sender identities: the name and address that readers see as From."""

from peewee import IntegrityError

from sidecars.deliverability.addresses import checked, domain_of
from sidecars.models import SenderIdentity, SendingDomain


class SenderExists(Exception):
    """The team has an identity with this address already."""


class ForeignDomain(ValueError):
    """The address is not at a domain of the team."""


def create(team_id: int, name: str, address: str, reply_to: str | None = None) -> SenderIdentity:
    """An identity at one of the team's domains, verified or not yet (publishing asks for that).

    One that is left of a domain that was removed is the identity again. Raises AddressError, ForeignDomain,
    SenderExists.
    """
    from_address = checked(address)
    domain = SendingDomain.get_or_none(
        SendingDomain.team == team_id, SendingDomain.name == domain_of(from_address)
    )
    if domain is None:
        raise ForeignDomain(f"{domain_of(from_address)} is not a domain of yours; add it first.")
    answers_to = checked(reply_to) if reply_to else None
    its_own = (SenderIdentity.team == team_id, SenderIdentity.address == from_address)
    left = SenderIdentity.update(domain=domain, name=name, reply_to=answers_to).where(
        *its_own, SenderIdentity.domain.is_null()
    )
    try:
        if left.execute():
            return SenderIdentity.get(*its_own)
        return SenderIdentity.create(
            team=team_id, domain=domain, name=name, address=from_address, reply_to=answers_to
        )
    except IntegrityError as error:
        raise SenderExists(from_address) from error
