"""Limits of the lanes to a provider, where an operator knows better than the edge."""

import re
from dataclasses import asdict, dataclass

from sidecars.deliverability.operator_log import record
from sidecars.edge import lanes
from sidecars.models import LanePolicy, database, now
from sidecars.names import LANES_ALL as ALL

_PROVIDER = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")


class NoPolicy(Exception):
    """There is no policy for this provider."""


class ProviderError(ValueError):
    """Not a provider's name."""


@dataclass(frozen=True)
class Limits:
    """Of each lane; `per_minute` and `per_day` count mails. None: what the edge knows itself."""

    connections: int | None = None
    mails_per_connection: int | None = None
    per_minute: int | None = None
    per_day: int | None = None


def provider_name(text: str) -> str:
    """As edges spell it: `google`, or the registrable domain of the MX host; `*`. Raises ProviderError."""
    name = text.strip().lower()
    if name != ALL and not _PROVIDER.fullmatch(name):
        raise ProviderError(
            f"{text!r} is no provider. It is a name that ./kiba lanes shows, such as google or mx.example, "
            "or * for all."
        )
    return name


def put(by: str, provider: str, limits: Limits) -> LanePolicy:
    """Holds within a second, in place of the one before. Raises ProviderError."""
    provider = provider_name(provider)
    with database.atomic():
        before = LanePolicy.select().where(LanePolicy.provider == provider).for_update().first()
        policy = before or LanePolicy(provider=provider)
        was = {name: getattr(policy, name) for name in asdict(limits)} if before else None
        for name, value in asdict(limits).items():
            setattr(policy, name, value)
        policy.updated_at = now()
        policy.save()
        record(by, "put policy", provider, before=was, after=asdict(limits))
    lanes.write()
    return policy


def delete(by: str, provider: str) -> None:
    """From then on the edge's own limits hold. Raises NoPolicy."""
    with database.atomic():
        if not LanePolicy.delete().where(LanePolicy.provider == provider).execute():
            raise NoPolicy(provider)
        record(by, "delete policy", provider)
    lanes.write()
