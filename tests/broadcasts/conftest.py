"""MySQL for every test here, and the wake-ups that were asked for."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def connection(stack: Any) -> Iterator[None]:
    """A connection for the test; no clock finds the broadcasts of those before it."""
    from sidecars.models import Broadcast, database, now

    with database.connection_context():
        Broadcast.update(state="sent", finished_at=now()).execute()
        yield
        Broadcast.update(state="sent", finished_at=now()).execute()


@pytest.fixture(autouse=True)
def wakeups(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What the queue was asked for, in order, as ("plan" or "send", broadcast id)."""
    from sidecars.broadcasts import wakeups

    asked: list[tuple[str, int]] = []
    for what in ("plan", "send"):
        monkeypatch.setitem(wakeups._connected, what, lambda id_, what=what: asked.append((what, id_)))
    return asked


@pytest.fixture
def jump(connection: None) -> Iterator[Callable[[float], None]]:
    """`jump(seconds)` puts the database's clock so far from the time, where it then stands still."""
    from sidecars.models import database

    yield lambda seconds: database.execute_sql("SET timestamp = %s", [time.time() + seconds])
    database.execute_sql("SET timestamp = DEFAULT")


@pytest.fixture
def team() -> Any:
    """A team with a verified domain and a sender at it."""
    from tests.sending import make_team

    return make_team()


@pytest.fixture
def people(team: Any) -> Callable[..., Any]:
    """`people(n)` makes an audience of n subscribed contacts."""
    from tests.sending import make_people

    return lambda n, **options: make_people(team, n, **options)


@pytest.fixture
def draft(team: Any) -> Callable[..., Any]:
    """`draft(audience)` makes a broadcast with one variant a weight."""
    from tests.sending import make_draft

    return lambda audience, *weights, **fields: make_draft(team, audience, *weights, **fields)


@pytest.fixture
def planned(people: Any, draft: Any) -> Callable[..., Any]:
    """`planned(n)` is a broadcast to n people, published, planned and open for sending."""
    from sidecars.broadcasts.plan import plan
    from sidecars.broadcasts.publish import publish
    from sidecars.models import Broadcast

    def make(n: int, **options: Any) -> Any:
        broadcast = publish(draft(people(n, **options).audience).id)
        plan(broadcast.id)
        return Broadcast.get_by_id(broadcast.id)

    return make
