import pytest

from sidecars.audiences.segments.language import Known, read
from sidecars.audiences.segments.words import describe

KNOWN = Known({"visits": "number", "city": "text", "member": "boolean"})


def no(given):
    return {"not": given}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"engagement": "opened"}, "opened any broadcast"),
        (no({"engagement": "opened"}), "no open ever"),
        (no({"engagement": "clicked", "last_broadcasts": 5}), "no click of the last 5 broadcasts"),
        (
            no({"engagement": "clicked", "last_broadcasts": 1, "days": 7}),
            "no click of the last broadcast in 7 days",
        ),
        (
            {"engagement": "opened", "broadcasts": ["bc_1", "bc_2"], "at_least": 2},
            "opened at least 2 of bc_1, bc_2",
        ),
        (no({"engagement": "received", "at_least": 3}), "not (received at least 3 broadcasts)"),
        (
            no({"engagement": "opened", "broadcasts": ["bc_1"], "signals": "all"}),
            "no open of bc_1 (machines count, too)",
        ),
        (no(no({"tag": "vip"})), "is tagged vip"),
        (no({"recipient_of": "bc_7"}), "is no recipient of broadcast bc_7"),
        (no({"property": "visits", "op": "between", "value": [0, 2.5]}), "visits is not 0 to 2.5"),
        (no({"property": "member", "op": "equals", "value": True}), "member is not true"),
        (no({"property": "city", "op": "in", "value": ["Ulm", "Bonn"]}), "city is none of Ulm, Bonn"),
        ({"any": [{"all": [{"tag": "a"}]}, no({"any": [{"tag": "b"}]})]}, "is tagged a or not (is tagged b)"),
    ],
)
def test_a_filter_reads_as_a_sentence(given, said):
    assert describe(read(given, KNOWN), KNOWN) == said
