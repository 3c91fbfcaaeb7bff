"""Warm-up plans from what ClickHouse knows to what edges read, on the real servers."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest

from sidecars import names
from sidecars.analytics.client import client
from sidecars.deliverability import sources, warmup_plans
from sidecars.deliverability.sources import Facts, NoSource
from sidecars.deliverability.warmup import Counts, WarmupError
from sidecars.edge.store import redis
from sidecars.models import OperatorAction, Warmup
from tests.lanes import forget_lanes, records

# Far from the days of other tests' mails.
START = date(2025, 3, 10)
YESTERDAY = START - timedelta(days=1)


@pytest.fixture(autouse=True)
def _clean(stack):
    forget_lanes()
    yield
    forget_lanes()


@pytest.fixture
def ip_of():
    """Two sources at addresses that no other test sends from."""
    found = {}
    for number in (1, 2):
        name, address = f"out-{number}", f"2001:db8::{uuid4().hex[:4]}:{number}"
        sources.create("ada", Facts(name, address))
        found[name] = sources.get(name).address
    return found


def tell(ip, provider, day, mails, **fields):
    """ClickHouse learns of mails that were delivered or, by `type`, were not."""
    at = datetime.combine(day, time(12), UTC)
    rows = [
        {
            "event_id": uuid4(),
            "message_id": uuid4(),
            "type": "delivered",
            "occurred_at": at,
            "processed_at": at,
            "source_ip": ip,
            "provider": provider,
        }
        | fields
        for _ in range(mails)
    ]
    columns = ", ".join(rows[0])
    # The latter half comes twice, as events may.
    client().execute(f"INSERT INTO smtp_messages ({columns}) VALUES", rows + rows[len(rows) // 2 :])
    return [row["message_id"] for row in rows]


def test_history_is_told_by_address_provider_and_day(ip_of):
    ip = ip_of["out-1"]
    delivered = tell(ip, "google", YESTERDAY, 90)
    tell(ip, "google", YESTERDAY, 10, type="bounced")
    tell(ip, "google", YESTERDAY, 1, type="deferred", message_id=delivered[0])
    tell("", "", START, 1, type="inbound", kind="complaint", message_id=delivered[1])
    tell(ip, "yahoo", YESTERDAY, 5)
    tell("2001:db8::ffff", "google", YESTERDAY, 7)
    assert warmup_plans.history(ip_of, START) == {
        ("out-1", "google"): {YESTERDAY: Counts(100, deferred=1, bounced=10, complained=1)},
        ("out-1", "yahoo"): {YESTERDAY: Counts(5)},
    }


def test_a_plan_grows_from_what_each_address_sent(ip_of):
    tell(ip_of["out-1"], "google", YESTERDAY, 1000)
    tell(ip_of["out-1"], "small.example", YESTERDAY, 600)
    tell(ip_of["out-1"], "other.example", YESTERDAY, 400)
    plan = warmup_plans.propose(20_000, {"google": 50}, ip_of, START)
    first = {(each.address, each.provider): (each.days[START], each.why) for each in plan.series}
    assert first == {
        ("out-1", "google"): (1400, "grows from 1,000"),
        ("out-1", "*"): (1400, "grows from 1,000"),
        ("out-2", "google"): (240, "begins"),
        ("out-2", "*"): (240, "begins"),
    }


def test_shares_come_from_the_last_days_mail_where_none_are_given(ip_of):
    day = date(2024, 6, 1)
    with pytest.raises(WarmupError, match="google=45"):
        warmup_plans.mix(day)
    tell("192.0.2.1", "google", day - timedelta(days=2), 60)
    tell("192.0.2.1", "yahoo", day - timedelta(days=2), 39)
    tell("192.0.2.1", "tiny.example", day - timedelta(days=2), 1)
    assert warmup_plans.mix(day) == {"google": 0.6, "yahoo": 0.39, "*": pytest.approx(0.01)}


def test_addresses_of_a_subnet_go_by_their_sources_names():
    sources.create("ada", Facts("out-1", "192.0.2.10"))
    assert warmup_plans.addresses(subnet="192.0.2.8/30") == {"out-1": "192.0.2.10"}
    assert list(warmup_plans.addresses(subnet="192.0.2.8/29"))[:2] == ["out-1", "192.0.2.11"]
    assert warmup_plans.addresses() == {"out-1": "192.0.2.10"}
    with pytest.raises(NoSource):
        warmup_plans.addresses(["out-9"])


def test_an_applied_plan_is_what_edges_read(ip_of):
    plan = warmup_plans.propose(20_000, {"google": 50}, ip_of, START)
    foreseen = warmup_plans.changes(plan)
    assert Warmup.select().count() == 0
    assert warmup_plans.apply("ada", plan, "overflow") == foreseen
    assert [(each.source, each.provider, each.before) for each in foreseen] == [
        ("out-1", "*", None),
        ("out-1", "google", None),
        ("out-2", "*", None),
        ("out-2", "google", None),
    ]
    written = records(names.warmup_key("out-1"))
    assert set(written) == {"google", "*"}
    assert written["google"]["surplus"] == "overflow"
    assert written["google"]["days"][START.isoformat()] == 240
    assert max(written["google"]["days"]) == plan.days[-1].isoformat()
    (done,) = OperatorAction.select().where(OperatorAction.action == "apply warm-up")
    assert (done.operator, done.target, done.detail["per_day"]) == ("ada", "out-1, out-2", 20_000)


def test_a_plan_replaces_the_one_before(ip_of):
    warmup_plans.apply("ada", warmup_plans.propose(20_000, {"google": 50}, ip_of, START), "wait")
    second = warmup_plans.propose(20_000, {"yahoo": 100}, ip_of, START)
    changes = {(each.source, each.provider): each for each in warmup_plans.apply("ada", second, "wait")}
    assert changes["out-1", "google"].after is None
    assert changes["out-1", "google"].before[START] == 240
    assert changes["out-1", "yahoo"].after[START] == 480
    assert set(records(names.warmup_key("out-1"))) == {"yahoo"}


def test_a_warm_address_loses_its_ceiling(ip_of):
    warmup_plans.apply("ada", warmup_plans.propose(2000, {"google": 100}, ip_of, START), "wait")
    tell(ip_of["out-1"], "google", YESTERDAY, 1000)
    warmup_plans.apply("ada", warmup_plans.propose(2000, {"google": 100}, ip_of, START), "overflow")
    assert redis.exists(names.warmup_key("out-1")) == 0
    assert set(records(names.warmup_key("out-2"))) == {"google"}


def test_a_plan_for_addresses_without_a_source_cannot_be_applied():
    ip_of = warmup_plans.addresses(subnet="192.0.2.8/29")
    plan = warmup_plans.propose(1000, {"google": 100}, ip_of, START)
    with pytest.raises(NoSource, match=r"192\.0\.2\.10"):
        warmup_plans.apply("ada", plan, "wait")


def test_plans_in_use_are_shown_with_what_the_day_had(ip_of):
    assert warmup_plans.in_use(START) == []
    plan = warmup_plans.propose(20_000, {"google": 100}, ip_of, START)
    warmup_plans.apply("ada", plan, "wait")
    redis.set(names.lane_used_key("out-1", "google", START.strftime("%Y%m%d")), 77, ex=60)
    first, _ = warmup_plans.in_use(START)
    assert first == ("out-1", "google", "wait", 480, 77, plan.days[-1], 10_000)
    over = warmup_plans.in_use(plan.days[-1] + timedelta(days=1))[0]
    assert over.ceiling is None


def test_an_ended_plan_takes_its_ceilings_along(ip_of):
    warmup_plans.apply("ada", warmup_plans.propose(20_000, {"google": 100}, ip_of, START), "wait")
    warmup_plans.end("ada", "out-1")
    assert redis.exists(names.warmup_key("out-1")) == 0
    assert [each.source for each in warmup_plans.in_use(START)] == ["out-2"]
    with pytest.raises(NoSource):
        warmup_plans.end("ada", "out-9")
