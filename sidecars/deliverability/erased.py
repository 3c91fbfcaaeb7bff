"""Addresses that were erased and stay suppressed: a keyed hash of each is kept, and nothing else.

Without the key a list of likely addresses cannot be tried against the hashes (GDPR recital 26: pseudonymous).
"""

from collections.abc import Iterable

from peewee import chunked

from sidecars.edge.suppressed import digest
from sidecars.models import ErasedAddress

LOOKUP_CHUNK = 1000


def erased_among(team_id: int, addresses: Iterable[str]) -> set[str]:
    """Those of the addresses, as they were given, that the team erased. One look-up where it erased none."""
    of_team = ErasedAddress.team == team_id
    if not ErasedAddress.select().where(of_team).exists():
        return set()
    given = {digest(address): address for address in addresses}
    erased: set[str] = set()
    for some in chunked(given, LOOKUP_CHUNK):
        rows = ErasedAddress.select(ErasedAddress.digest).where(of_team, ErasedAddress.digest.in_(some))
        erased |= {given[bytes(row.digest)] for row in rows}
    return erased
