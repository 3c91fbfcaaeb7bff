"""A test's share goes first, the rest later to the winner, whoever is killed in between: each once."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import requests

from sidecars.analytics.client import client
from sidecars.broadcasts import control, waves
from sidecars.broadcasts.abtest import choose_now, tried
from sidecars.broadcasts.errors import NotPublishable, WrongState
from sidecars.broadcasts.handover import send_next_slice
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.plan import plan
from sidecars.broadcasts.publish import publish, validate
from sidecars.edge import records, submit
from sidecars.models import Broadcast, Send, SendSlice, Variant, database
from tests.broadcasts.interruptions import How, Interruption, cursor, run
from tests.support import wait_for

PEOPLE = 60
HOUR = 3600


@pytest.fixture
def tested(people, draft, team):
    """A planned broadcast with two variants, of which 40 % of the recipients get one."""

    def make(n=PEOPLE, **fields):
        plans = {"test_share": 40, "test_criterion": "clicks", "test_wait_minutes": 60}
        broadcast = draft(people(n).audience, (50, 50), **plans | fields)
        publish(broadcast.id)
        plan(broadcast.id)
        return Broadcast.get_by_id(broadcast.id)

    return make


def sends(broadcast):
    return list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))


def test_group(broadcast):
    return [row for row in sends(broadcast) if row.variant_id]


test_group.__test__ = False


def variants(broadcast):
    return [row.id for row in Variant.select().where(Variant.broadcast == broadcast).order_by(Variant.id)]


def hand_over(broadcast):
    """As workers do, without an edge."""
    Send.update(state=3).where(
        Send.broadcast_id == broadcast.id, Send.variant_id > 0, Send.state == 1
    ).execute()
    SendSlice.update(state="done", claim=None, lease_until=None).where(
        SendSlice.broadcast == broadcast
    ).execute()


def told(rows, winner):
    """Events of the test's mails: all delivered, one variant's clicked by people, the others by scanners."""
    common = [
        {
            "event_id": uuid4(),
            "occurred_at": datetime.now(UTC),
            "processed_at": datetime.now(UTC),
            "team_id": row.team_id,
            "broadcast_id": row.broadcast_id,
            "contact_id": row.contact_id,
            "variant_id": row.variant_id,
            "message_id": row.message_id,
        }
        for row in rows
    ]
    delivered = [row | {"type": "delivered", "state": "delivered"} for row in common]
    verdicts = [("person" if row["variant_id"] == winner else "scanner") for row in common]
    clicks = [
        row | {"type": "click", "verdict": verdict} for row, verdict in zip(common, verdicts, strict=True)
    ]
    for table, facts in (("smtp_messages", delivered), ("smtp_email_clicks", clicks * 2)):
        client().execute(f"INSERT INTO {table} ({', '.join(facts[0])}) VALUES", facts)


def test_only_a_share_goes_first_and_the_books_hold_everyone(tested):
    broadcast = tested(400)
    first = test_group(broadcast)
    assert counts(broadcast.id)["planned"] == broadcast.planned_total == 400
    assert 100 < len(first) < 220
    assert sum(piece.n for piece in SendSlice.select().where(SendSlice.broadcast == broadcast)) == len(first)
    shares = [sum(row.variant_id == each for row in first) for each in variants(broadcast)]
    assert min(shares) > len(first) / 4
    waves.look()
    assert Broadcast.get_by_id(broadcast.id).release_at is None, "the wait begins when all were handed over"
    hand_over(broadcast)
    waves.look()
    waiting = Broadcast.get_by_id(broadcast.id)
    assert 3500 < (waiting.release_at - datetime.now(UTC)).total_seconds() <= HOUR
    waves.look()
    assert (Broadcast.get_by_id(broadcast.id).winner_id, len(test_group(broadcast))) == (None, len(first))


def test_the_rest_gets_the_winner_once_wherever_whoever_releases_it_is_killed(tested, monkeypatch):
    monkeypatch.setattr(database, "cursor", cursor)
    deaths = 0
    for how in (How.KILLED, How.UNHEARD):
        for at in range(1, 100, 1 if how is How.KILLED else 4):
            broadcast = tested(20)
            first = test_group(broadcast)
            hand_over(broadcast)
            waves.look()
            second = first[-1].variant_id
            told(first, second)
            later = time.time() + HOUR + 1
            interruption = Interruption(at, how)
            run(waves.look, interruption, later)
            run(waves.look, moment=later)
            ended = Broadcast.get_by_id(broadcast.id)
            assert (ended.winner_id, ended.held) == (second, False), (how, at)
            rest = [
                row for row in sends(broadcast) if row.contact_id not in {row.contact_id for row in first}
            ]
            assert {row.variant_id for row in rest} == {second}
            released = SendSlice.select().where(SendSlice.broadcast == broadcast, SendSlice.state == "open")
            assert sum(piece.n for piece in released) == len(rest), (how, at)
            Broadcast.update(state="sent").where(Broadcast.id == broadcast.id).execute()
            if not interruption.happened:
                break
            deaths += 1
    assert deaths > 8


def test_by_the_real_edge_everyone_gets_one_mail_and_the_rest_the_winner(stack, tested, team, jump):
    stack.start_processes("simulator", "smtp")
    try:
        records.write_domain(team.domain.id)
        broadcast = tested()

        def received():
            url = f"http://127.0.0.1:{stack.ports['simulator_http']}/receipts.ndjson"
            query = {"broadcast_id": broadcast.id, "kind": "accepted"}
            return requests.get(url, params=query, timeout=10).text.splitlines()

        send_next_slice(broadcast.id)
        first = test_group(broadcast)
        assert Broadcast.get_by_id(broadcast.id).state == "sending"
        wait_for(lambda: len(received()) == len(first))
        winner = variants(broadcast)[0]
        told(first, winner)
        waves.look()
        jump(HOUR + 1)
        waves.look()
        decided = Broadcast.get_by_id(broadcast.id)
        assert decided.winner_id == winner
        assert decided.verdict["is_clear"]
        assert "wins" in decided.verdict["explanation"]
        send_next_slice(broadcast.id)
        assert Broadcast.get_by_id(broadcast.id).state == "sent"
        wait_for(lambda: len(received()) == PEOPLE)
        assert {row.variant_id for row in sends(broadcast) if row not in first} == {winner}
    finally:
        submit.pool().close()
        submit.pool.cache_clear()
        stack.stop_processes("smtp", "simulator")


def test_only_people_count_and_each_mail_once(tested):
    broadcast = tested()
    first = test_group(broadcast)
    one, two = variants(broadcast)
    told(first, two)
    figures = {each.variant_id: (each.delivered, each.successes) for each in tried(broadcast)}
    share = [sum(row.variant_id == each for row in first) for each in (one, two)]
    assert figures == {one: (share[0], 0), two: (share[1], share[1])}


def test_a_person_may_choose_and_a_paused_broadcast_waits(tested):
    broadcast = tested()
    second = variants(broadcast)[1]
    control.pause(broadcast.id)
    choose_now(Broadcast.get_by_id(broadcast.id), second)
    with pytest.raises(WrongState):
        choose_now(Broadcast.get_by_id(broadcast.id), second)
    waves.look()
    assert Broadcast.get_by_id(broadcast.id).held
    control.resume(broadcast.id)
    waves.look()
    assert not Broadcast.get_by_id(broadcast.id).held
    assert "by hand" in Broadcast.get_by_id(broadcast.id).verdict["explanation"]


@pytest.mark.parametrize(
    ("fields", "weights", "field"),
    [
        ({}, (100,), "test"),
        ({"track_clicks": False}, (50, 50), "test.criterion"),
        ({"test_criterion": "opens", "track_opens": False}, (50, 50), "test.criterion"),
    ],
)
def test_a_test_that_cannot_be_judged_does_not_go_out(people, draft, fields, weights, field):
    plans = {"test_share": 40, "test_criterion": "clicks", "test_wait_minutes": 60} | fields
    broadcast = draft(people(2).audience, weights, **plans)
    assert [problem.field for problem in validate(broadcast.id)] == [field]
    with pytest.raises(NotPublishable):
        publish(broadcast.id)
