"""`./kiba warmup`: plan, apply, show, end."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from click.testing import CliRunner

from sidecars import names
from sidecars.cli import cli
from sidecars.deliverability import sources, warmup_plans
from sidecars.deliverability.sources import Facts
from sidecars.edge.store import redis
from tests.lanes import forget_lanes, records

PLAN = ("--per-day", "100000", "--mix", "google=45,microsoft=25,yahoo=15", "--fresh")
SMALL = ("--per-day", "2000", "--mix", "google=100", "--fresh")


@pytest.fixture(autouse=True)
def _clean(stack):
    forget_lanes()
    for number in (1, 2):
        sources.create("ada", Facts(f"out-{number}", f"192.0.2.{9 + number}"))
    yield
    forget_lanes()


def kiba(*arguments, code=0, says=None):
    done = CliRunner().invoke(cli, ["warmup", *arguments], env={"COLUMNS": "140"}, input=says)
    assert done.exit_code == code, done.output
    return done.output


def test_a_plan_for_a_subnet_is_a_table_of_days():
    text = kiba("plan", "--subnet", "192.0.2.8/29", "--start", "2026-11-24", *PLAN)
    first = next(line for line in text.splitlines() if "2026-11-24" in line)
    assert first.split() == ["1", "2026-11-24", "1,080", "600", "360", "360", "2,400", "2%"]
    assert "out-1, out-2, 192.0.2.12, 192.0.2.13, 192.0.2.14, each" in text
    assert "100%" in text
    assert warmup_plans.in_use(warmup_plans.today()) == []


def test_a_plan_is_data():
    data = json.loads(kiba("plan", "--json", "--start", "2026-11-24", *PLAN))
    assert data["per_day"] == 100_000
    assert data["mix"] == {"google": 0.45, "microsoft": 0.25, "yahoo": 0.15, "*": pytest.approx(0.15)}
    assert data["days"][0] == {"day": "2026-11-24", "mails": 960, "surplus": 99_040}
    assert {series["address"] for series in data["series"]} == {"out-1", "out-2"}
    assert {series["why"] for series in data["series"]} == {"begins"}


def test_a_plan_is_drawn_as_a_file_that_needs_no_other(tmp_path):
    file = tmp_path / "plan.svg"
    assert "Drawn into" in kiba("plan", "--plot", str(file), *PLAN)
    picture = ElementTree.parse(file).getroot()
    references = [
        value for element in picture.iter() for name, value in element.attrib.items() if "href" in name
    ]
    assert [each for each in references if not each.startswith("#")] == []
    assert "Warm-up of 2 addresses to 100,000 mails a day" in "".join(picture.itertext())


def test_applying_shows_the_change_and_asks_first():
    told = kiba("apply", *SMALL, says="n\n", code=1)
    assert "no ceiling" in told
    assert redis.exists(names.warmup_key("out-1")) == 0
    assert "Nothing was changed" in kiba("apply", "--dry-run", *SMALL)
    assert redis.exists(names.warmup_key("out-1")) == 0
    assert "wait for the next day" in kiba("apply", *SMALL, says="y\n")
    assert records(names.warmup_key("out-1"))["google"]["surplus"] == "wait"


def test_an_applied_plan_is_shown_and_ended():
    kiba("apply", "--yes", "--surplus", "overflow", "--source", "out-1", *SMALL)
    redis.set(names.lane_used_key("out-1", "google", f"{warmup_plans.today():%Y%m%d}"), 77, ex=60)
    shown = next(line for line in kiba("show").splitlines() if "google" in line)
    assert shown.split()[:6] == ["out-1", "google", "77", "480", "overflows", "2,000"]
    assert json.loads(kiba("show", "--json"))[0]["used"] == 77
    assert "no ceilings" in kiba("end", "out-1")
    assert "No warm-up plan" in kiba("show")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["plan", "--per-day", "10", "--mix", "google", "--fresh"], 2, "google=45"),
        (["plan", "--per-day", "10", "--mix", "google=120", "--fresh"], 1, "100 %"),
        (["plan", "--per-day", "0"], 2, "0 is not in the range"),
        (["plan", "--per-day", "10", "--fresh"], 2, "--mix"),
        (["plan", "--subnet", "192.0.2.9/29", *SMALL], 1, "no IPv4 subnet"),
        (["plan", "--subnet", "192.0.2.8/29", "--source", "out-1", *SMALL], 2, "not both"),
        (["plan", "--source", "out-9", *SMALL], 1, "There are: out-1, out-2."),
        (["plan", "--plot", "plan.png", *SMALL], 2, "SVG"),
        (["apply", "--subnet", "192.0.2.8/29", *SMALL], 1, "no active source 192.0.2.12"),
        (["end", "out-9"], 1, "out-9"),
    ],
)
def test_what_cannot_be_planned_says_why(arguments, code, told):
    assert told in kiba(*arguments, code=code)


@pytest.mark.parametrize("arguments", [[], ["plan"], ["apply"], ["show"], ["end"]])
def test_help_has_examples(arguments):
    assert "./kiba warmup" in kiba(*arguments, "--help")
