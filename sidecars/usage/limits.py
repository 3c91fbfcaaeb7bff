"""How many contacts, domains, members and API keys a team may have, by its plan."""

from collections.abc import Callable, Mapping

from peewee import fn

from sidecars.models import (
    ApiKey,
    Audience,
    Contact,
    Invitation,
    Membership,
    Plan,
    SendingDomain,
    Team,
    now,
)
from sidecars.usage import plans

CONTACTS = "contacts"
DOMAINS = "domains"
MEMBERS = "members"
API_KEYS = "api_keys"


class OverPlan(Exception):
    """The plan allows no more of it; `limit` is its name, and the text tells the figures."""

    def __init__(self, plan: Plan, limit: str) -> None:
        allowed = getattr(plan, limit)
        super().__init__(f"The plan “{plan.name}” allows the team {allowed:,} {limit.replace('_', ' ')}.")
        self.limit = limit


def count(team_id: int, limit: str) -> int:
    """How many the team has: all contacts, whatever their status; members with those invited."""
    return _COUNTS[limit](team_id)


def check(team_id: int, limit: str, counted: Callable[[int], int] | None = None) -> None:
    """Raises OverPlan where the team may not have one more. In the transaction that makes it.

    Others that make one wait for that transaction, where there is a limit. `counted`: another way to count.
    """
    plan = plans.of(team_id)
    if plan is None or getattr(plan, limit) is None:
        return
    _take_turn(team_id)
    if (counted or _COUNTS[limit])(team_id) >= getattr(plan, limit):
        raise OverPlan(plan, limit)


def room(team_id: int, limit: str) -> tuple[int, OverPlan] | None:
    """How many more it may have, and why no more; None: any number. As `check` otherwise."""
    plan = plans.of(team_id)
    if plan is None or getattr(plan, limit) is None:
        return None
    _take_turn(team_id)
    return max(0, getattr(plan, limit) - count(team_id, limit)), OverPlan(plan, limit)


def members(team_id: int) -> int:
    """Those who are in the team."""
    return _rows(Membership.select().where(Membership.team == team_id))


def _take_turn(team_id: int) -> None:
    Team.select(Team.id).where(Team.id == team_id).for_update().first()


def _contacts(team_id: int) -> int:
    mine = Audience.select(Audience.id).where(Audience.team == team_id)
    return int(Contact.select(fn.COUNT(1)).where(Contact.audience.in_(mine)).scalar())


def _domains(team_id: int) -> int:
    return _rows(SendingDomain.select().where(SendingDomain.team == team_id))


def _members_and_invited(team_id: int) -> int:
    invited = (Invitation.team == team_id, Invitation.state == "open", Invitation.expires_at > now())
    return members(team_id) + _rows(Invitation.select().where(*invited))


def _api_keys(team_id: int) -> int:
    living = (ApiKey.revoked_at.is_null(), ApiKey.expires_at.is_null() | (ApiKey.expires_at > now()))
    return _rows(ApiKey.select().where(ApiKey.team == team_id, *living))


def _rows(query: object) -> int:
    return int(query.count())  # type: ignore[attr-defined]


_COUNTS: Mapping[str, Callable[[int], int]] = {
    CONTACTS: _contacts,
    DOMAINS: _domains,
    MEMBERS: _members_and_invited,
    API_KEYS: _api_keys,
}
