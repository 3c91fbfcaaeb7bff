"""People who are logged in, and the API as one of them or a program with some scope sees it."""

from typing import Any
from uuid import uuid4

from sidecars.accounts import keys, sessions
from sidecars.accounts.permissions import ADMINISTRATOR
from sidecars.accounts.scopes import Scope
from sidecars.models import Membership, Team, User, now


class Caller:
    """Calls the API with one credential."""

    def __init__(self, app: Any, secret: str) -> None:
        self.secret = secret
        self._client = app.test_client()

    def __getattr__(self, method: str) -> Any:
        def call(path: str, **options: Any) -> Any:
            headers = {"Authorization": f"Bearer {self.secret}"} | options.pop("headers", {})
            return getattr(self._client, method)(path, headers=headers, **options)

        return call


class Person(Caller):
    """Somebody with a verified address, logged in, in a team if one is given."""

    def __init__(self, app: Any, team: Any = None, role: str = ADMINISTRATOR) -> None:
        self.team = team
        self.user = User.create(
            email=f"{role.lower()}-{uuid4().hex[:12]}@people.example", name="Ada", email_verified_at=now()
        )
        if team is not None:
            Membership.create(team=team, user=self.user, role=role)
        super().__init__(app, "")
        self.log_in()

    def log_in(self) -> "Person":
        """Anew, as if just now."""
        self.secret = sessions.begin(self.user.id, "tests", "192.0.2.7").secret
        return self


def program(app: Any, team: Any, *permissions: str) -> Caller:
    """One with a key that has these permissions, without any with all."""
    return Caller(app, keys.make(team.id, "tests", Scope(permissions=frozenset(permissions))).secret)


def new_team(name: str = "Acme") -> Any:
    """One without anybody."""
    return Team.create(name=name)
