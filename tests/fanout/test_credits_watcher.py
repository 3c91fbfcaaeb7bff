"""Who is told that credits run out: a team by a notice, edges by its record."""

from uuid import uuid4

import pytest

from sidecars import names
from sidecars.edge.store import redis
from sidecars.fanout import credits_watcher
from sidecars.models import Notice, Plan, Team, database, now
from sidecars.usage import allowance
from sidecars.usage.allowance import TRANSACTIONAL, month_of


@pytest.fixture(autouse=True)
def _connection(stack, no_fanout):
    with database.connection_context():
        yield


def test_a_team_is_told_once_at_80_and_100_percent_and_edges_when_nothing_is_left():
    plan = Plan.create(name=f"plan {uuid4()}", credits=10)
    team = Team.create(name="Limited", plan=plan)
    month = month_of(now())

    def told():
        return [row.subject for row in Notice.select().where(Notice.team == team).order_by(Notice.id)]

    def is_out():
        return redis.hexists(names.team_key(team.id), "out_of_credits")

    allowance.take(team.id, TRANSACTIONAL, 7, month)
    out = credits_watcher.look(set())
    assert (told(), team.id in out) == ([], False)
    allowance.take(team.id, TRANSACTIONAL, 1, month)
    out = credits_watcher.look(credits_watcher.look(out))
    assert told() == ["80 % of this month's credits are used"]
    allowance.take(team.id, TRANSACTIONAL, 3, month)  # by SMTP more than there are
    out = credits_watcher.look(out)
    assert (len(told()), team.id in out, is_out()) == (2, True, True)
    assert "452" in Notice.get(Notice.team == team, Notice.about == "credits:100").text
    Plan.update(credits=20).where(Plan.id == plan.id).execute()
    out = credits_watcher.look(out)
    assert (len(told()), team.id in out, is_out()) == (2, False, False)
