"""What a team says once for all mail that it submits from a domain."""

from sidecars.edge.records import write_domain
from sidecars.models import SendingDomain


def follow(domain_id: int, *, opens: bool | None = None, clicks: bool | None = None) -> None:
    """Whether opens and links of mail from the domain are followed, where that does not say it itself.

    None: as before. The edge is told. Raises peewee.DoesNotExist.
    """
    said = {"track_opens": opens, "track_clicks": clicks}
    changed = {name: value for name, value in said.items() if value is not None}
    if changed:
        SendingDomain.update(changed).where(SendingDomain.id == domain_id).execute()
        write_domain(domain_id)
