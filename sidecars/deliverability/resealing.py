"""Changing ENCRYPTION_KEY: what the old key sealed is sealed with the new one."""

from typing import NamedTuple

from sidecars.deliverability.seal import SealError, seal, unseal
from sidecars.edge.records import write_domain
from sidecars.models import SendingDomain, database

SEALED = ("dkim_private_key", "next_private_key", "ed25519_private_key")


class Resealed(NamedTuple):
    """Names of domains: those sealed anew, and those that neither key opens, which are as they were."""

    done: list[str]
    unopened: list[str]


def reseal(old_key: str) -> Resealed:
    """Of all domains; what ENCRYPTION_KEY opens already is left, so that it can be repeated."""
    result = Resealed([], [])
    for domain in list(SendingDomain.select(SendingDomain.id, SendingDomain.name)):
        try:
            if _reseal(domain.id, old_key):
                write_domain(domain.id)
                result.done.append(domain.name)
        except SealError:
            result.unopened.append(domain.name)
    return result


def _reseal(domain_id: int, old_key: str) -> bool:
    with database.atomic():
        domain = SendingDomain.select().where(SendingDomain.id == domain_id).for_update().get()
        sealed = {name: value for name in SEALED if (value := getattr(domain, name))}
        anew = {name: _anew(value, old_key) for name, value in sealed.items()}
        if anew == sealed:
            return False
        SendingDomain.update(**anew).where(SendingDomain.id == domain_id).execute()
        return True


def _anew(sealed: str, old_key: str) -> str:
    """The same where ENCRYPTION_KEY opens it."""
    try:
        unseal(sealed)
    except SealError:
        return seal(unseal(sealed, old_key))
    return sealed
