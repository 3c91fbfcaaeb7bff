"""What others read out of a summary.json is there, and follows from the runs."""

import json

import pytest

from bench.edge.profile import by_file, shares
from bench.edge.rsa import RsaRate
from bench.edge.run import Run
from bench.edge.stages import Stage, signing
from bench.edge.summary import Summary
from bench.edge.tables import tables


def run(system, mode, n, speed, smtp=0.1):
    more = {"ours_peak_mb": 500.0} if system == "kibamail" else {}
    return Run(system, mode, n, n, n, speed, {"smtp": smtp}, {"smtp": 90.0}, {"sink": 0.01}, more)


@pytest.fixture
def summary():
    found = Summary("a machine", rsa=RsaRate(per_s=8000.0, cpu_ms=0.25))
    found.runs = [
        run("haraka", "unsigned", 20_000, 600.0),
        run("kibamail", "unsigned", 20_000, 6000.0),
        run("kibamail", "unsigned", 100_000, 8000.0),
        run("kibamail", "signed", 100_000, 3600.0, smtp=0.4),
    ]
    found.submitters = [run("haraka", "unsigned", 20_000, 500.0), run("kibamail", "unsigned", 20_000, 2500.0)]
    found.stages = [Stage("plan", "fanout", 1.0, {"mariadb": 8.0})]
    return found


def test_each_run_has_the_fields_that_were_asked_for(summary, tmp_path):
    summary.write(tmp_path / "out" / "summary.json")
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert list(written)[:2] == ["machine", "runs"]
    for found in written["runs"]:
        assert found["system"] in ("postfix", "haraka", "kibamail")
        assert found["mode"] in ("unsigned", "signed", "signed_tls", "slow_sink")
        assert found["n"] == found["received"] == found["unique"]
        assert found["cpu_ms_per_mail"].keys() == found["peak_mb"].keys() == {"smtp"}
        assert found["msg_per_s"] > 0


def test_speeds_are_held_against_stock_haraka_in_the_same_mode(summary):
    written = summary.as_json()
    assert [found["times_stock"] for found in written["runs"]] == [1.0, 10.0, 13.33, None]
    assert written["submitters"][1]["times_stock"] == 5.0


def test_a_signed_run_is_held_against_what_rsa_allows_on_top_of_an_unsigned_mail(summary):
    # 1/8000 s for all else and 1/8000 s for the signature
    assert summary.of_rsa_bound(summary.runs[3]) == pytest.approx(3600 / 4000)
    assert summary.of_rsa_bound(summary.runs[2]) is None


def test_signing_costs_what_a_signed_run_costs_more(summary):
    assert signing(summary.runs).ours == pytest.approx(300.0)
    assert signing(summary.runs[:3]) is None


def test_every_run_and_stage_stands_in_the_tables(summary):
    speeds, processes, stages = (table.as_markdown() for table in tables(summary.as_json()))
    assert speeds.count("| kibamail |") == 4
    assert "| kibamail | signed | 100,000 | 3,600 |  | 90% | 0.40 | 500 | 90 |" in speeds
    assert "| kibamail | signed | smtp | 0.400 | 90 |" in processes
    assert "| plan | fanout | 1.0 | 8.0 |  |  |  |" in stages


def test_a_profile_is_told_by_the_nearest_file_of_ours(tmp_path):
    def node(number, function, url, *children):
        return {"id": number, "callFrame": {"functionName": function, "url": url}, "children": list(children)}

    profile = tmp_path / "a.cpuprofile"
    nodes = [
        node(1, "(root)", "", 2, 5, 6),
        node(2, "send", "file:///srv/haraka/plugins/lib/lane.js", 3),
        node(3, "write", "node:net", 4),
        node(4, "hash", "file:///srv/haraka/node_modules/some/index.js"),
        node(5, "(idle)", ""),
        node(6, "main", "file:///srv/haraka/edge.js"),
    ]
    samples = {"samples": [2, 3, 4, 5, 6, 1], "timeDeltas": [1, 2, 3, 90, 4, 5]}
    profile.write_text(json.dumps({"nodes": nodes, **samples}))
    used = by_file(profile)
    assert used == {"plugins/lib/lane.js": 6, "edge.js": 4, "": 5}
    assert shares(used, {"edge.js": "start"}, rest="deliver") == {"deliver": 1.0}
