"""MySQL and Redis for what the edge is told of."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

_numbers = count(1)


@pytest.fixture
def connection(stack: Any) -> Iterator[None]:
    from sidecars.models import database

    with database.connection_context():
        yield


@pytest.fixture
def team(connection: None) -> Any:
    from sidecars.models import Team

    return Team.create(name=f"Records {next(_numbers)}")


@pytest.fixture
def add_domain(team: Any) -> Any:
    """`add_domain(verified=True)` gives the team one more domain."""
    from sidecars.models import SendingDomain, now

    def add(verified: bool = True) -> Any:
        name = f"records-{next(_numbers)}.example"
        return SendingDomain.create(
            team=team,
            name=name,
            dkim_selector="kb1",
            dkim_private_key="sealed-key",
            dkim_public_key="public-key",
            return_path=f"kb.{name}",
            verified_at=now() if verified else None,
        )

    return add
