"""Teams and who is in them. A team always keeps an administrator."""

from collections.abc import Iterator
from contextlib import contextmanager

from sidecars.accounts.errors import NotPossible
from sidecars.accounts.permissions import ADMINISTRATOR
from sidecars.edge.records import write_team
from sidecars.models import Membership, Team, User, database

LAST = "This is the team's last administrator. Make somebody else one first."


def create(user: User, name: str) -> Team:
    """A new team, whose administrator this person is."""
    with database.atomic():
        team: Team = Team.create(name=name)
        Membership.create(team=team, user=user, role=ADMINISTRATOR)
    write_team(team.id)
    return team


def rename(team_id: int, name: str) -> None:
    """The edge knows it too."""
    Team.update(name=name).where(Team.id == team_id).execute()
    write_team(team_id)


def of(user_id: int) -> list[Membership]:
    """The person's places, each with its `team`."""
    rows = Membership.select(Membership, Team).join(Team).where(Membership.user == user_id)
    return list(rows.order_by(Membership.team))


def members(team_id: int, after: int, limit: int) -> list[Membership]:
    """Each with its `user`, in the order of people's ids, beyond id `after`."""
    rows = Membership.select(Membership, User).join(User).where(Membership.team == team_id)
    return list(rows.where(Membership.user > after).order_by(Membership.user).limit(limit))


def change_role(team_id: int, user_id: int, role: str) -> bool:
    """False: the person is not in the team. Raises NotPossible for its last administrator."""
    with _in_turn(team_id):
        if role != ADMINISTRATOR:
            _check_another(team_id, user_id)
        mine = (Membership.team == team_id, Membership.user == user_id)
        Membership.update(role=role).where(*mine).execute()
        return bool(Membership.select().where(*mine).exists())


def remove(team_id: int, user_id: int) -> bool:
    """Who is removed, or leaves, may do nothing there from their next request on. The same otherwise."""
    with _in_turn(team_id):
        _check_another(team_id, user_id)
        mine = Membership.delete().where(Membership.team == team_id, Membership.user == user_id)
        return bool(mine.execute())


@contextmanager
def _in_turn(team_id: int) -> Iterator[None]:
    """Two administrators who remove each other do so one after the other."""
    with database.atomic():
        Team.select().where(Team.id == team_id).for_update().first()
        yield


def _check_another(team_id: int, user_id: int) -> None:
    rows = Membership.select(Membership.user).where(
        Membership.team == team_id, Membership.role == ADMINISTRATOR
    )
    if {row.user_id for row in rows} == {user_id}:
        raise NotPossible(LAST, "last_administrator")
