"""Warm-up plans: how they begin, grow, stay, step back and end."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.deliverability.warmup import (
    Counts,
    Goal,
    WarmupError,
    by_provider,
    ceiling,
    mix_from,
    mix_of,
    plan,
    usable_addresses,
)
from sidecars.names import LANES_ALL as ALL

START = date(2026, 11, 24)
FIVE = usable_addresses("192.0.2.8/29")
MIX = mix_of({"google": 45, "microsoft": 25, "yahoo": 15})
GOAL = Goal(100_000, MIX)
ONE = Goal(10_000, {"google": 1})


def before(*counts, ending=1):
    """Days of sending up to `ending` days before START."""
    last = START - timedelta(days=ending)
    return {last - timedelta(days=len(counts) - 1 - i): each for i, each in enumerate(counts)}


def first_day(*counts, goal=ONE, provider="google", ending=1):
    (series,) = plan(goal, ["out-1"], START, {("out-1", provider): before(*counts, ending=ending)}).series
    return series.days[START], series.why


def test_a_29_has_five_usable_addresses():
    assert usable_addresses("192.0.2.8/29") == [f"192.0.2.{n}" for n in (10, 11, 12, 13, 14)]


@pytest.mark.parametrize("subnet", ["192.0.2.9/29", "192.0.2.0/23", "192.0.2.1", "2001:db8::/125", "x"])
def test_what_is_no_small_subnet_is_refused(subnet):
    with pytest.raises(WarmupError, match="subnet"):
        usable_addresses(subnet)


def test_new_addresses_begin_as_sendgrids_do_and_end_at_the_goal():
    made = plan(GOAL, FIVE, START, {})
    assert made.days[0] == START
    assert made.total(START) == 5 * 480
    assert made.total(made.days[-1]) == made.target == 100_000
    assert 10 < len(made.days) < 25
    assert {series.why for series in made.series} == {"begins"}


def test_no_day_doubles_and_none_falls_behind_the_one_before():
    for series in plan(GOAL, FIVE, START, {}).series:
        mails = [series.days[day] for day in sorted(series.days)]
        for today, tomorrow in pairwise(mails):
            assert today <= tomorrow < 2 * today
            assert tomorrow <= today * (1.25 if series.provider == "microsoft" else 1.4) + 1


def test_days_follow_each_other_without_a_gap():
    days = plan(GOAL, FIVE, START, {}).days
    assert days == [START + timedelta(days=n) for n in range(len(days))]


def test_a_goal_below_the_first_days_volume_is_the_plan():
    made = plan(Goal(100, MIX), FIVE, START, {})
    assert made.days == [START]
    assert made.total(START) == 100


def test_what_went_well_grows_from_what_was_sent_not_from_what_was_planned():
    assert first_day(Counts(1000), Counts(400)) == (1400, "grows from 1,000")
    assert first_day(Counts(1000), goal=Goal(10_000, {"microsoft": 1}), provider="microsoft")[0] == 1250


def test_little_mail_does_not_push_a_plan_below_its_beginning():
    assert first_day(Counts(3))[0] == 480


@pytest.mark.parametrize(
    ("counts", "mails", "told"),
    [
        (Counts(1000, complained=2), 1000, "stays at 1,000: 0.2% complained"),
        (Counts(1000, complained=3), 500, "steps back from 1,000: 0.3% complained"),
        (Counts(1000, bounced=50), 1000, "stays at 1,000: 5.0% bounced"),
        (Counts(1000, bounced=120), 500, "steps back from 1,000: 12.0% bounced"),
        (Counts(1000, deferred=60), 1000, "stays at 1,000: 6.0% deferred"),
        (Counts(1000, deferred=250), 500, "steps back from 1,000: 25.0% deferred"),
        (Counts(1000, deferred=60, complained=9), 500, "steps back from 1,000: 0.9% complained"),
        (Counts(1000, deferred=49, bounced=49), 1400, "grows from 1,000"),
    ],
)
def test_bad_days_hold_the_volume_or_halve_it_and_the_plan_says_why(counts, mails, told):
    found, why = first_day(counts)
    assert found == mails
    assert why.startswith(told)


def test_one_complaint_alone_is_no_rate():
    assert first_day(Counts(200, complained=1))[1] == "grows from 200"


def test_a_bad_day_is_forgotten_after_three_good_ones():
    bad, good = Counts(1000, deferred=900), Counts(1000)
    assert first_day(bad, good, good)[1].startswith("steps back")
    assert first_day(bad, good, good, good)[1] == "grows from 1,000"


def test_after_a_bad_day_the_plan_goes_on_growing():
    history = {("out-1", "google"): before(Counts(4000, deferred=2000))}
    (series,) = plan(ONE, ["out-1"], START, history).series
    assert list(series.days.values()) == [2000, 2800, 3920, 5488, 7684, 10_000]


def test_an_address_that_rested_for_a_month_begins_again():
    assert first_day(Counts(9000), ending=30)[1] == "grows from 9,000"
    assert first_day(Counts(9000), ending=31) == (480, "begins again after 30 days of rest")


def test_an_address_with_its_full_volume_needs_no_plan():
    history = {("out-1", "google"): before(Counts(5000))}
    made = plan(ONE, ["out-1", "out-2"], START, history)
    assert made.warm == [("out-1", "google")]
    assert {series.address for series in made.series} == {"out-2"}
    assert made.target == 5000
    everything = plan(ONE, ["out-1"], START, {("out-1", "google"): before(Counts(10_000))})
    assert (everything.days, everything.target) == ([], 0)


def test_history_of_the_first_day_itself_does_not_count():
    assert first_day(Counts(5000), ending=0) == (480, "begins")


def test_all_series_end_on_the_same_day():
    made = plan(GOAL, FIVE, START, {("192.0.2.10", "google"): before(Counts(8000))})
    assert {max(series.days) for series in made.series} == {made.days[-1]}
    assert {len(series.days) for series in made.series} == {len(made.days)}


def test_totals_by_provider_are_those_of_the_series():
    made = plan(GOAL, FIVE, START, {})
    sums = by_provider(made)
    assert set(sums) == set(MIX)
    for day in made.days:
        assert sum(days[day] for days in sums.values()) == made.total(day)
    assert sums["google"][made.days[-1]] == 45_000


@pytest.mark.parametrize(
    ("goal", "addresses", "told"),
    [
        (Goal(0, MIX), FIVE, "one mail a day"),
        (GOAL, [], "no address"),
        (GOAL, ["a", "a"], "twice"),
        (Goal(10, {"google": 0.5}), FIVE, "100 %"),
        (Goal(10, {}), FIVE, "100 %"),
    ],
)
def test_a_plan_for_nothing_is_refused(goal, addresses, told):
    with pytest.raises(WarmupError, match=told):
        plan(goal, addresses, START, {})


def test_a_mix_is_made_whole():
    assert mix_of({"google": 45, "yahoo": 15}) == {"google": 0.45, "yahoo": 0.15, ALL: pytest.approx(0.4)}
    assert mix_of({"google": 100}) == {"google": 1}
    assert mix_of({"google": 50, ALL: 10}) == {"google": 0.5, ALL: 0.5}
    assert mix_of({}) == {ALL: 1}
    for shares in ({"google": 101}, {"google": 0}, {"google": 60, "yahoo": 60}, {"google": -1}):
        with pytest.raises(WarmupError, match="100 %"):
            mix_of(shares)


def test_a_mix_is_told_from_what_was_sent():
    mix = mix_from({"google": 600, "yahoo": 390, "tiny.example": 10})
    assert mix == {"google": 0.6, "yahoo": 0.39, ALL: pytest.approx(0.01)}


def test_a_ceiling_is_read_as_edges_read_it():
    days = {START: 100, START + timedelta(days=2): 300}
    read = [ceiling(days, START + timedelta(days=n)) for n in (-1, 0, 1, 2, 3)]
    assert read == [0, 100, 100, 300, None]
    assert ceiling({}, START) is None


counts = st.builds(
    lambda sent, *parts: Counts(sent, *(min(sent, part) for part in parts)),
    st.integers(0, 50_000),
    *[st.integers(0, 50_000)] * 3,
)
histories = st.dictionaries(
    st.tuples(st.sampled_from(FIVE), st.sampled_from(sorted(MIX))),
    st.dictionaries(st.integers(1, 45).map(lambda n: START - timedelta(days=n)), counts, max_size=10),
)


@given(st.integers(1, 5_000_000), histories)
def test_whatever_happened_no_address_gets_more_than_its_part_or_much_more_than_it_had(per_day, history):
    made = plan(Goal(per_day, MIX), FIVE, START, history)
    for series in made.series:
        target = max(1, round(per_day * MIX[series.provider] / 5))
        assert max(series.days.values()) <= target
        had = max(
            (day.sent for day in history.get((series.address, series.provider), {}).values()), default=0
        )
        assert 1 <= series.days[START] <= max(480, 1.4 * had + 1)
        assert series.days[made.days[-1]] == target
