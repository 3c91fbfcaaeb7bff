"""The courier as a process: everything arrives, whatever others do, and though it is killed."""

import os
import signal

import pytest
from standardwebhooks import Webhook

from sidecars.callbacks import deliveries
from sidecars.models import WebhookDelivery, WebhookEndpoint
from tests.support import wait_for

EVENTS = 10_000


@pytest.fixture
def courier(stack, connected):
    stack.start_processes("courier")
    yield stack.processes["courier"]
    stack.processes["courier"].daemon.kill()  # it would wait for what hangs


def test_ten_thousand_events_arrive_signed_while_others_hang_and_though_it_is_killed(
    courier, app_of_a_team, happening, receiver, stack
):
    hanging = [app_of_a_team(f"/hang/{number}") for number in range(4)]
    for each in hanging:
        each.tell(*(happening(each.team.id) for _ in range(20)))
    wait_for(lambda: sum(request.path.startswith("/hang") for request in receiver.requests) >= 8)
    app = app_of_a_team("/ok/all")
    events = [happening(app.team.id, number=number) for number in range(EVENTS)]
    for start in range(0, EVENTS, 2000):
        assert app.tell(*events[start : start + 2000]) == 2000

    wait_for(lambda: len(receiver.of("/ok/all")) > EVENTS // 4)
    os.kill(courier.daemon.pid(), signal.SIGKILL)
    wait_for(lambda: courier.daemon.pid() is None)
    assert len(receiver.of("/ok/all")) < EVENTS
    stack.start_processes("courier")

    wait_for(lambda: deliveries.waiting([app.id]) == {})
    assert {row.state for row in app.rows()} == {"delivered"}
    came = [request for request in receiver.requests if request.path == "/ok/all"]
    verifier = Webhook(app.secret)
    numbers = [verifier.verify(request.body, request.headers)["data"]["number"] for request in came]
    assert set(numbers) == set(range(EVENTS))
    assert {request.headers["webhook-id"] for request in came} == {f"evt_{event.id.hex}" for event in events}
    # What it had sent and not yet written down when it was killed.
    assert len(came) - EVENTS < 1000
    # Others hang to this moment, and none of theirs is lost.
    assert {state for each in hanging for state in each.states()} == {"waiting"}
    for each in hanging:
        WebhookDelivery.delete().where(WebhookDelivery.endpoint == each.id).execute()
        WebhookEndpoint.update(due_at=None).where(WebhookEndpoint.id == each.id).execute()
