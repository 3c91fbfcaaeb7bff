"""Sources: what may be said of them, and that no pool is left without one."""

import pytest

from sidecars import names
from sidecars.deliverability import lane_controls, sources
from sidecars.deliverability.sources import Facts, NoSource, SourceError, SourceExists, SourceNeeded
from sidecars.edge.store import redis
from sidecars.models import LaneControl, OperatorAction, Source, Warmup
from tests.lanes import forget_lanes, records


@pytest.fixture(autouse=True)
def _clean(stack):
    forget_lanes()
    yield
    forget_lanes()


def test_a_source_is_known_to_the_edges_and_to_the_log_at_once():
    sources.create("ada", Facts("out-1", "192.0.2.10", "Out-1.Example"))
    assert records(names.SOURCES_KEY) == {
        "out-1": {
            "address": "192.0.2.10",
            "helo": "out-1.example",
            "edge": None,
            "pools": ["send", "engage"],
            "team_id": None,
        }
    }
    (done,) = OperatorAction.select()
    assert (done.operator, done.action, done.target) == ("ada", "create source", "out-1")
    assert done.detail["address"] == "192.0.2.10"


def test_an_address_has_one_spelling():
    assert sources.create("ada", Facts("six", "2001:DB8:0::1")).address == "2001:db8::1"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (Facts("Out 1"), "name"),
        (Facts("*"), "name"),
        (Facts("a|b"), "name"),
        (Facts("out-1", address="192.0.2.300"), "address"),
        (Facts("out-1", helo="out_1"), "helo"),
        (Facts("out-1", edge="edge:1"), "edge"),
        (Facts("out-1", pools=("bulk",)), "pools"),
        (Facts("out-1", pools=()), "pools"),
        (Facts("out-1", state="gone"), "state"),
        (Facts("out-1", team_id=4_000_000_000), "team_id"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(facts, field):
    with pytest.raises(SourceError) as error:
        sources.create("ada", facts)
    assert error.value.field == field
    assert len(str(error.value)) > 10
    assert Source.select().count() == 0


def test_a_name_and_an_address_are_one_sources():
    sources.create("ada", Facts("out-1", "192.0.2.10"))
    with pytest.raises(SourceExists):
        sources.create("ada", Facts("out-1", "192.0.2.11"))
    with pytest.raises(SourceExists):
        sources.create("ada", Facts("out-2", "192.0.2.10"))


def test_each_pool_keeps_a_source_that_every_team_may_use(team):
    with pytest.raises(SourceNeeded, match="engage"):
        sources.create("ada", Facts("out-1", pools=("send",)))
    with pytest.raises(SourceNeeded):
        sources.create("ada", Facts("out-1", team_id=team.id))
    sources.create("ada", Facts("out-1", "192.0.2.10"))
    sources.create("ada", Facts("out-2", "192.0.2.11", pools=("engage",)))
    sources.change("ada", "out-1", pools=("send",))
    with pytest.raises(SourceNeeded, match="send"):
        sources.change("ada", "out-1", state="off")
    with pytest.raises(SourceNeeded, match="engage"):
        sources.delete("ada", "out-2")
    sources.change("ada", "out-2", pools=("send", "engage"))
    sources.delete("ada", "out-1")
    sources.delete("ada", "out-2")
    assert redis.exists(names.SOURCES_KEY) == 0


def test_each_edge_needs_its_own():
    sources.create("ada", Facts("out-1", "192.0.2.10", edge="edge-1"))
    with pytest.raises(SourceNeeded, match="engage would have no active source at edge-2"):
        sources.create("ada", Facts("out-2", "192.0.2.11", edge="edge-2", pools=("send",)))


def test_a_source_that_is_off_is_not_told_to_the_edges():
    sources.create("ada", Facts("out-1"))
    sources.create("ada", Facts("out-2", "192.0.2.11", state="off"))
    assert redis.hkeys(names.SOURCES_KEY) == ["out-1"]
    sources.change("ada", "out-2", state="active")
    assert sorted(redis.hkeys(names.SOURCES_KEY)) == ["out-1", "out-2"]
    (done,) = OperatorAction.select().where(OperatorAction.action == "change source")
    assert (done.detail["before"]["state"], done.detail["after"]["state"]) == ("off", "active")


def test_what_was_said_of_a_source_goes_with_it():
    sources.create("ada", Facts("out-1"))
    gone = sources.create("ada", Facts("out-2", "192.0.2.11"))
    Warmup.create(source=gone, provider="*", surplus="wait", days={})
    lane_controls.hold("ada", "pause", "out-2", "*", "listed")
    sources.delete("ada", "out-2")
    assert Warmup.select().count() == LaneControl.select().count() == 0
    assert redis.exists(names.LANE_CONTROLS_KEY, names.warmup_key("out-2")) == 0


@pytest.mark.parametrize("act", [sources.delete, sources.change, lambda _, name: sources.get(name)])
def test_an_unknown_source_is_unknown(act):
    with pytest.raises(NoSource):
        act("ada", "nowhere")
