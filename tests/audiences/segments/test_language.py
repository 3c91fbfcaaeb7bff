import pytest

from sidecars.audiences.segments.language import DEEPEST, MOST_CONDITIONS, FilterError, Known, read
from tests.audiences.segments.world import KINDS

KNOWN = Known(
    KINDS, has_tag=lambda name: name == "vip", went_here=lambda id_: id_ == 1, is_ours=lambda id_: id_ < 3
)


def nested(depth):
    return {"tag": "vip"} if depth == 1 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    ("given", "place", "told"),
    [
        ([], "filter", "an object with exactly one of all, any, not"),
        ({}, "filter", "exactly one of"),
        ({"all": [], "any": []}, "filter", "exactly one of"),
        ({"all": []}, "filter.all", "at least 1"),
        ({"all": [{"tag": "vip"}, {"not": {"x": 1}}]}, "filter.all.1.not", "exactly one of"),
        ({"tag": "vpi"}, "filter.tag", "no tag “vpi”"),
        ({"tag": "vip", "or": 1}, "filter.or", "not permitted"),
        ({"property": "cty", "op": "equals", "value": "x"}, "filter.property", "there is city"),
        ({"property": "", "op": "equals", "value": "x"}, "filter.property", "no property"),
        ({"field": "phone", "op": "empty"}, "filter.field", "there is"),
        ({"property": "city", "op": "less_than", "value": 3}, "filter.op", "of a text one asks equals,"),
        ({"property": "city"}, "filter.op", "required"),
        ({"property": "city", "op": "equals"}, "filter.value", "takes a text that is not empty"),
        ({"property": "city", "op": "empty", "value": ""}, "filter.value", "takes no value"),
        ({"property": "city", "op": "in", "value": []}, "filter.value", "1 to 500 texts"),
        ({"property": "visits", "op": "equals", "value": "3"}, "filter.value", "takes a number"),
        ({"property": "visits", "op": "equals", "value": True}, "filter.value", "takes a number"),
        ({"property": "visits", "op": "between", "value": [3, 1]}, "filter.value", "the smaller first"),
        ({"property": "visits", "op": "between", "value": [1]}, "filter.value", "two numbers"),
        ({"property": "born", "op": "on", "value": "2026-02-30"}, "filter.value", "a day such as"),
        ({"property": "born", "op": "in_last_days", "value": -1}, "filter.value", "0 to 36500"),
        ({"property": "member", "op": "equals", "value": 1}, "filter.value", "true or false"),
        ({"field": "status", "op": "equals", "value": "gone"}, "filter.value", "“pending”"),
        ({"engagement": "read"}, "filter.engagement", "'opened', 'clicked' or 'received'"),
        ({"engagement": "opened", "last_broadcasts": 0}, "filter.last_broadcasts", "greater than"),
        ({"engagement": "opened", "broadcasts": ["bc_1", "bc_2"]}, "filter.broadcasts", "bc_2 went to this"),
        ({"engagement": "opened", "broadcasts": [1]}, "filter.broadcasts.0", "“bc_12”"),
        ({"engagement": "opened", "last_broadcasts": 2, "at_least": 3}, "filter.at_least", "only 2"),
        ({"engagement": "received", "signals": "all"}, "filter.signals", "only opens and clicks"),
        ({"engagement": "opened", "last_broadcasts": 1, "broadcasts": ["bc_1"]}, "filter", "not both"),
        ({"recipient_of": "bc_3"}, "filter.recipient_of", "no broadcast bc_3"),
        (nested(DEEPEST + 1), "filter" + ".not" * DEEPEST, "groups deep"),
        ({"all": [{"tag": "vip"}] * MOST_CONDITIONS}, f"filter.all.{MOST_CONDITIONS - 1}", "one too many"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(given, place, told):
    with pytest.raises(FilterError) as refused:
        read(given, KNOWN)
    (problem,) = refused.value.problems
    assert problem.place == place
    assert told in problem.message


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(FilterError) as refused:
        read(
            {
                "all": [
                    {"tag": "vip"},
                    {"any": [{"tag": "no"}, {"property": "visits", "op": "at_least", "value": "many"}]},
                ]
            },
            KNOWN,
        )
    assert [each.place for each in refused.value.problems] == [
        "filter.all.1.any.0.tag",
        "filter.all.1.any.1.value",
    ]


def test_the_deepest_and_the_largest_filters_are_read():
    read(nested(DEEPEST), KNOWN)
    read({"any": [{"tag": "vip"}] * (MOST_CONDITIONS - 1)}, KNOWN)
