"""Lanes that operators hold, and what they are told of it."""

import pytest

from sidecars import names
from sidecars.deliverability import lane_controls, sources
from sidecars.deliverability.lane_controls import DRAIN, PAUSE, NotHeld, effect
from sidecars.deliverability.lane_policies import ProviderError
from sidecars.deliverability.sources import Facts, NoSource
from sidecars.edge.lane_states import LaneState
from sidecars.models import OperatorAction
from tests.lanes import LANE, forget_lanes, records


@pytest.fixture
def _clean(stack):
    forget_lanes()
    sources.create("ada", Facts("out-1"))
    yield
    forget_lanes()


@pytest.mark.usefixtures("_clean")
def test_a_lane_is_held_and_let_go():
    lane_controls.hold("ada", PAUSE, "*", "google", "421 storm")
    (held,) = records(names.LANE_CONTROLS_KEY).items()
    assert held[0] == "*|google"
    assert (held[1]["action"], held[1]["reason"], held[1]["by"]) == ("pause", "421 storm", "ada")
    lane_controls.resume("bob", "*", "google", "it is over")
    assert records(names.LANE_CONTROLS_KEY) == {}
    log = OperatorAction.select().where(OperatorAction.target == "*|google").order_by(OperatorAction.id)
    assert [(row.operator, row.action, row.detail["reason"]) for row in log] == [
        ("ada", "pause lane", "421 storm"),
        ("bob", "resume lane", "it is over"),
    ]


@pytest.mark.usefixtures("_clean")
def test_a_second_word_replaces_the_first():
    lane_controls.hold("ada", PAUSE, "out-1", "*", "look")
    lane_controls.hold("bob", DRAIN, "out-1", "*", "listed")
    (control,) = records(names.LANE_CONTROLS_KEY).values()
    assert (control["action"], control["by"]) == ("drain", "bob")


@pytest.mark.usefixtures("_clean")
def test_resuming_what_nobody_holds_says_what_holds_it():
    with pytest.raises(NotHeld, match="Nobody holds google from out-1"):
        lane_controls.resume("ada", "out-1", "google", "x")
    lane_controls.hold("ada", PAUSE, "*", "google", "storm")
    with pytest.raises(NotHeld, match="wider word: pause of google from every source"):
        lane_controls.resume("ada", "out-1", "google", "x")


@pytest.mark.usefixtures("_clean")
def test_unknown_sources_and_providers_are_refused():
    with pytest.raises(NoSource):
        lane_controls.hold("ada", PAUSE, "out-9", "google", "x")
    with pytest.raises(ProviderError):
        lane_controls.hold("ada", PAUSE, "*", "goo gle", "x")


def test_without_sources_the_default_one_can_be_held(stack):
    forget_lanes()
    lane_controls.hold("ada", PAUSE, "default", "*", "x")
    lane_controls.resume("ada", "default", "*", "x")


def test_it_is_told_what_will_happen():
    rows = [
        LaneState(**(LANE | {"waiting": 1200, "in_flight": 3})),
        LaneState(**(LANE | {"source": "out-2", "waiting": 34, "in_flight": 0})),
        LaneState(**(LANE | {"provider": "yahoo", "waiting": 9})),
    ]
    paused = effect(PAUSE, "*", "google", rows)
    assert paused.startswith("google from every source: no mail begins")
    assert paused.endswith("1,234 mails wait, 3 under way.")
    assert "other sources of its pool" in effect(DRAIN, "out-1", "*", rows)
    assert "other sources" not in effect(DRAIN, "*", "google", rows)
    assert "goes on at once" in effect("resume", "out-2", "google", rows)
    assert effect(PAUSE, "*", "*", rows).startswith("all lanes: ")
