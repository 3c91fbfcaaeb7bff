"""Credits of broadcasts: reserved, used, given back, and at any moment what the ledger says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from types import SimpleNamespace
from uuid import uuid4

import pytest

from sidecars.broadcasts import control, moves, spending
from sidecars.broadcasts import plan as planning
from sidecars.broadcasts.errors import NotPublishable
from sidecars.broadcasts.plan import plan, plan_chunk
from sidecars.broadcasts.publish import publish, validate
from sidecars.broadcasts.settle import Settlement, settle
from sidecars.broadcasts.states import Reason, SendState
from sidecars.models import (
    Broadcast,
    Contact,
    Plan,
    Send,
    Suppression,
    Team,
    UsageMonth,
    database,
    now,
)
from sidecars.usage import allowance
from sidecars.usage.allowance import BROADCAST, TRANSACTIONAL, OutOfCredits, month_of


@pytest.fixture
def limited(team):
    """`limited(n)` gives the team a plan of n credits a month, None: without a limit."""

    def _limited(number):
        made = Plan.create(name=f"plan {uuid4()}", credits=number)
        Team.update(plan=made).where(Team.id == team.id).execute()

    return _limited


@pytest.fixture
def held(team):
    """`held()` is what the team's mails hold this month, which the ledger confirms each time."""

    def _held():
        assert spending.differences(team.id) == {}
        return allowance.taken(team.id, month_of(now()))

    return _held


def reserved(team):
    return spending.reserved(team.id)[month_of(now()), BROADCAST]


@pytest.mark.parametrize("limit", [None, 100])
def test_credits_are_held_from_publishing_and_given_back_where_no_mail_goes_out(
    team, people, draft, held, limited, limit
):
    limited(limit)
    group = people(6)
    Suppression.create(team=team.row, email=group.contacts[0].email, reason="manual", stream="all")
    broadcast = publish(draft(group.audience).id)
    assert (held(), reserved(team)) == ((0, 0) if limit is None else (5, 5))
    plan(broadcast.id)
    assert (held(), reserved(team)) == (5, 5)
    ids = [contact.id for contact in group.contacts]
    planned = {SendState.PLANNED}
    moves.move_sends(broadcast.id, [ids[1]], planned, SendState.SKIPPED, Reason.UNSUBSCRIBED)
    moves.move_sends(broadcast.id, [ids[2]], planned, SendState.REJECTED, Reason.COMPOSE_FAILED)
    assert held() == 3
    moves.move_sends(broadcast.id, [ids[3]], planned, SendState.ACCEPTED)
    assert (held(), reserved(team)) == (3, 2)
    # The edge had the rejected one all the same.
    settle([Settlement(broadcast.id, id_, SendState.DELIVERED) for id_ in (ids[2], ids[3])])
    settle([Settlement(broadcast.id, id_, SendState.BOUNCED) for id_ in (ids[2], ids[3])])
    assert (held(), reserved(team)) == (4, 2)
    moves.move_sends(broadcast.id, [ids[4]], planned, SendState.ACCEPTED)
    control.cancel(broadcast.id)
    settle([Settlement(broadcast.id, ids[4], SendState.CANCELLED)] * 2)
    assert (held(), reserved(team)) == (2, 0)


def test_what_does_not_fit_is_refused_with_the_figures(team, people, draft, held, limited):
    limited(5)
    first, second = (draft(people(n).audience) for n in (3, 3))
    assert validate(second.id) == []
    publish(first.id)
    (problem,) = validate(second.id)
    assert problem.field == "credits"
    assert "takes 3 credits, and 2 of the 5" in problem.message
    with pytest.raises(NotPublishable, match="2 of the 5"):
        publish(second.id)
    assert (Broadcast.get_by_id(second.id).state, held()) == ("draft", 3)
    control.cancel(first.id)
    assert held() == 0
    publish(second.id)
    assert held() == 3


def test_publishing_at_once_never_takes_more_than_there_is(people, draft, held, limited):
    limited(10)
    drafts = [draft(people(3).audience) for _ in range(6)]

    def attempt(broadcast):
        with database.connection_context():
            try:
                publish(broadcast.id)
            except NotPublishable:
                return False
            plan(broadcast.id)
            return True

    with ThreadPoolExecutor(len(drafts)) as threads:
        published = list(threads.map(attempt, drafts))
    assert (sum(published), held()) == (3, 9)


def test_planning_that_is_killed_and_goes_on_counts_each_once(people, draft, held, limited, monkeypatch):
    limited(100)
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=5))
    broadcast = publish(draft(people(12).audience).id)
    plan_chunk(broadcast.id, 5)
    assert held() == 12

    def die(*_):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(planning, "_insert_slices", die)
        with pytest.raises(RuntimeError):
            plan_chunk(broadcast.id, 5)
    assert (held(), Broadcast.get_by_id(broadcast.id).reserved) == (12, 7)
    plan(broadcast.id)
    assert (held(), Broadcast.get_by_id(broadcast.id).reserved) == (12, 0)


def test_who_left_meanwhile_is_given_back_and_who_came_gets_what_is_left(
    people, draft, held, limited, monkeypatch
):
    limited(4)
    group = people(4)
    broadcast = publish(draft(group.audience).id)
    gone = {"status": "unsubscribed", "unsubscribed_at": now()}
    Contact.update(**gone).where(Contact.id == group.contacts[0].id).execute()
    plan(broadcast.id)
    assert held() == 3
    group = people(1)
    broadcast = publish(draft(group.audience).id)
    late = Contact.create(audience=group.audience, email="late@b.example", subscribed_at=now())
    plan(broadcast.id)
    assert held() == 4
    assert Send.get(Send.broadcast_id == broadcast.id, Send.contact_id == late.id).reason == Reason.OVER_QUOTA
    assert Send.get(Send.contact_id == group.contacts[0].id).state == SendState.PLANNED


def test_cancelling_in_the_midst_of_planning_gives_all_back(people, draft, held, limited, monkeypatch):
    limited(100)
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=5))
    broadcast = publish(draft(people(12).audience).id)
    plan_chunk(broadcast.id, 5)
    control.pause(broadcast.id)
    assert held() == 12
    control.cancel(broadcast.id)
    plan(broadcast.id)
    assert held() == 0


def test_what_was_published_without_a_limit_is_planned_under_one(people, draft, held, limited):
    broadcast = publish(draft(people(3).audience).id)
    limited(1)
    plan(broadcast.id)
    assert held() == 3
    with pytest.raises(NotPublishable, match="0 of the 1"):
        publish(draft(people(1).audience).id)


def test_wrong_figures_are_found_and_put_right(team, planned, held):
    planned(2)
    UsageMonth.update(broadcast=7).where(UsageMonth.team == team.id).execute()
    key = (month_of(now()), BROADCAST)
    assert spending.put_right(team.id) == {key: (7, 2)}
    assert held() == 2


def test_a_month_is_taken_to_its_last_credit_and_the_next_begins_anew(team):
    december, january = date(2026, 12, 1), date(2027, 1, 1)
    allowance.take(team.id, BROADCAST, 6, december, 10)
    with pytest.raises(OutOfCredits, match=r"5 credits, and 4 of the 10 .* 2026-12 .* 2027-01-01"):
        allowance.take(team.id, TRANSACTIONAL, 5, december, 10)
    allowance.take(team.id, TRANSACTIONAL, 4, december, 10)
    allowance.take(team.id, TRANSACTIONAL, 10, january, 10)
    allowance.give_back(team.id, BROADCAST, 1, december)
    assert [allowance.taken(team.id, month) for month in (december, january)] == [9, 10]
