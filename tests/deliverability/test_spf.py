"""SPF records as receivers follow them; DNS is a table here, since only the reading is looked at."""

import pytest

from sidecars.deliverability import spf

OURS = "a:mx.kibamail.test"
MANY = {f"_spf{n}.example": [f"v=spf1 include:_spf{n + 1}.example ~all"] for n in range(1, 20)}
MANY["_spf20.example"] = ["v=spf1 -all"]


def table(texts):
    """A LookUp that knows these TXT records, and that every host has an address."""
    return lambda name, kind: texts.get(name, []) if kind == "TXT" else ["192.0.2.1"]


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 a:mx.kibamail.test ~all",
        "V=SPF1 ip4:192.0.2.0/24 ip6:2001:db8::/32 +A:MX.kibamail.test/24 -all".replace("/24 -", " -"),
        "v=spf1 include:relay.example -all",
        "v=spf1 redirect=relay.example",
        "v=spf1 mx/24 a//64 exists:%{i}.list.example include:%{d}.macro.example a:mx.kibamail.test -all",
    ],
)
def test_a_record_that_lets_us_send_is_right(record):
    texts = {"acme.example": ["other", record], "relay.example": [f"v=spf1 {OURS} -all"]}
    assert spf.judge("acme.example", OURS, table(texts)) == ""


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([], "no SPF record at acme.example"),
        (["hello"], 'Found instead: "hello"'),
        (["v=spf10 a:mx.kibamail.test"], "no SPF record"),
        ([f"v=spf1 {OURS} ~all", "v=spf1 -all"], "2 SPF records"),
        (["v=spf1 ip4:192.0.2.1 -all"], f"lacks {OURS}"),
        ([f"v=spf1 -{OURS} ~all"], f"lacks {OURS}"),
        ([f"v=spf1 -all {OURS}"], f"lacks {OURS}"),
        (["v=spf1 ?include:relay.example -all"], f"lacks {OURS}"),
        ([f"v=spf1 {OURS} include:nothing.example -all"], "nothing.example, which has no SPF record"),
        ([f"v=spf1 {OURS} include:acme.example -all"], "within itself"),
        ([f"v=spf1 {OURS} ip4=192.0.2.1;x 5 -all"], '"5" in the SPF record'),
        ([f"v=spf1 {OURS} include:_spf1.example -all"], "look-ups, and 10 are allowed"),
    ],
)
def test_what_is_wrong_is_told(records, told):
    texts = {"acme.example": records, "relay.example": [f"v=spf1 {OURS} -all"], **MANY}
    assert told in spf.judge("acme.example", OURS, table(texts))


def test_look_ups_are_counted_as_receivers_count_them():
    texts = {
        "acme.example": ["v=spf1 a mx include:one.example exists:%{i}.example ip4:192.0.2.1 ptr -all"],
        "one.example": ["v=spf1 include:two.example redirect=three.example"],
        "two.example": ["v=spf1 ip4:192.0.2.2 ?all redirect=unread.example"],
        "three.example": ["v=spf1 a:mx.kibamail.test all"],
    }
    reading = spf.read("acme.example", OURS, table(texts))
    assert (reading.lookups, reading.reached, reading.problem) == (8, True, "")


def test_names_that_do_not_exist_are_counted():
    names = " ".join(f"a:gone{n}.example" for n in range(3))
    reading = spf.read(
        "acme.example", OURS, lambda name, kind: [f"v=spf1 {names} -all"] if kind == "TXT" else []
    )
    assert "3 names in the SPF record of acme.example do not exist" in reading.problem
