"""The alert rules, held against what Prometheus asks of a rule file; promtool is no Python package."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ALERTS = yaml.safe_load((ROOT / "infra/prometheus/alerts.yml").read_text())
RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}


def test_rules_are_in_named_groups_and_each_has_a_name_of_its_own():
    assert set(ALERTS) == {"groups"}
    assert all(set(group) == {"name", "rules"} for group in ALERTS["groups"])
    assert len(RULES) == sum(len(group["rules"]) for group in ALERTS["groups"])


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_says_when_how_urgent_and_what_to_do(alert):
    rule = RULES[alert]
    assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
    assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert set(rule["annotations"]) == {"summary"}


@pytest.mark.parametrize("alert", RULES)
def test_a_summary_names_labels_that_its_expression_keeps(alert):
    rule = RULES[alert]
    kept = re.search(r"by \((\w+)\)", rule["expr"])
    # An aggregation keeps the labels it goes by; without one all are there.
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        assert kept is None or label == kept[1]


def test_prometheus_reads_this_file():
    config = yaml.safe_load((ROOT / "infra/prometheus/prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
