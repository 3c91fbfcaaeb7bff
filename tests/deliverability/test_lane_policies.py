"""Limits by provider: said, changed, taken back."""

import pytest

from sidecars import names
from sidecars.deliverability import lane_policies
from sidecars.deliverability.lane_policies import Limits, NoPolicy, ProviderError
from sidecars.models import OperatorAction
from tests.lanes import forget_lanes, records


@pytest.fixture(autouse=True)
def _clean(stack):
    forget_lanes()
    yield
    forget_lanes()


def test_a_policy_holds_till_the_next_one_and_goes():
    lane_policies.put("ada", " Google ", Limits(connections=5, per_day=1000))
    expected = {"connections": 5, "mails_per_connection": None, "per_minute": None, "per_day": 1000}
    assert records(names.LANE_POLICIES_KEY) == {"google": expected}
    lane_policies.put("bob", "google", Limits(per_minute=60))
    assert records(names.LANE_POLICIES_KEY)["google"]["connections"] is None
    lane_policies.delete("ada", "google")
    assert records(names.LANE_POLICIES_KEY) == {}
    with pytest.raises(NoPolicy):
        lane_policies.delete("ada", "google")
    log = OperatorAction.select().order_by(OperatorAction.id)
    assert [(row.operator, row.action) for row in log] == [
        ("ada", "put policy"),
        ("bob", "put policy"),
        ("ada", "delete policy"),
    ]
    assert log[1].detail["before"]["connections"] == 5


@pytest.mark.parametrize("text", ["", "a b", "google|x", "**", "x" * 300])
def test_what_is_no_provider_is_refused(text):
    with pytest.raises(ProviderError, match="no provider"):
        lane_policies.put("ada", text, Limits())
