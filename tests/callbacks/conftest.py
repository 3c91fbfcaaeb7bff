"""Teams with endpoints at a real receiver, and events for them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest


@pytest.fixture(scope="module")
def receiver():
    from tests.callbacks.receiver import Receiver

    with Receiver() as made:
        yield made


@pytest.fixture
def connected(stack):
    from sidecars.models import database

    stack.stop_processes("courier")
    with database.connection_context():
        yield


@pytest.fixture
def app_of_a_team(connected, receiver):
    """`app_of_a_team(path)`: an endpoint of a new team there, its secret, its row as it is now."""
    from sidecars.callbacks import endpoints, feed
    from sidecars.callbacks.events import EVENT_TYPES
    from sidecars.models import Team, WebhookAttempt, WebhookDelivery, WebhookEndpoint

    def make(path, events=EVENT_TYPES, stream=None, url=None):
        team = Team.create(name="Acme")
        made, secret = endpoints.create(team.id, url or receiver.url + path, events, stream, "")

        def tell(*happenings):
            return feed.record(list(happenings), feed.listeners([team.id]))

        def rows():
            return list(
                WebhookDelivery.select()
                .where(WebhookDelivery.endpoint == made.id)
                .order_by(WebhookDelivery.occurred_at, WebhookDelivery.id)
            )

        def attempts():
            mine = WebhookAttempt.select().where(WebhookAttempt.endpoint == made.id)
            return list(mine.order_by(WebhookAttempt.id))

        return SimpleNamespace(
            team=team,
            id=made.id,
            secret=secret,
            path=path,
            tell=tell,
            rows=rows,
            attempts=attempts,
            row=lambda: WebhookEndpoint.get_by_id(made.id),
            states=lambda: [row.state for row in rows()],
        )

    return make


@pytest.fixture
def happening():
    """`happening(team_id, …)`: an event; the later it is made the later it happened."""
    from sidecars.callbacks.events import Event

    moments = iter(range(10**9))
    began = datetime.now(UTC) - timedelta(hours=1)

    def make(team_id, type_="email.delivered", about=None, stream="broadcast", **data):
        at = began + timedelta(milliseconds=next(moments))
        return Event(uuid4(), team_id, type_, about or uuid4(), at, stream, data)

    return make
