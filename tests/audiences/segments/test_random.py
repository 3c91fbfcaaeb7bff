"""Random filters on random people: what MySQL and ClickHouse say is what plain Python says."""

import random
from datetime import date, timedelta
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audiences.segments.evaluation import holds
from tests.audiences.segments.world import AT, KINDS, Person, World, build

# Case, accents, padding, wildcards, escapes, scripts; few, so that texts meet.
MARKS = ["a", "A", "b", "ä", "Ä", "ñ", "ß", "é", "Ж", "ж", "%", "_", "|", "\\", "'", '"', " ", "猫", "😀"]
TAGS = ("x", "y", "z", "unborne")
STATUSES = ("subscribed", "unsubscribed", "pending")
NUMBERS = (-2, -1.5, 0, 0.1, 1, 2, 3.25, 10**14)
SPANS = (0, 1, 2, 7, 30, 364, 365)
BROADCASTS = dict(enumerate((300, 120, 60, 30, 12, 5, 1), 1))

texts = st.lists(st.sampled_from(MARKS), min_size=1, max_size=2).map("".join)
numbers = st.sampled_from(NUMBERS)
days = st.sampled_from([AT.date() + timedelta(days=n) for n in (-366, -365, -30, -7, -1, 0, 1, 2, 7)]).map(
    str
)
spans = st.sampled_from(SPANS)
in_order = lambda values: st.lists(values, min_size=2, max_size=2).map(sorted)  # noqa: E731
some = lambda values: st.lists(values, min_size=1, max_size=3)  # noqa: E731

VALUES = {
    "text": {
        **dict.fromkeys(("equals", "contains", "starts_with", "ends_with"), texts),
        "in": some(texts),
    },
    "number": {
        **dict.fromkeys(("equals", "less_than", "at_most", "more_than", "at_least"), numbers),
        "between": in_order(numbers),
    },
    "date": {
        **dict.fromkeys(("on", "before", "after"), days),
        "between": in_order(days),
        **dict.fromkeys(("in_last_days", "in_next_days", "more_than_days_ago", "anniversary_in_days"), spans),
    },
    "boolean": {"equals": st.booleans()},
    "list": {"contains_any": some(texts), "contains_all": some(texts)},
}


@st.composite
def comparisons(draw):
    what, kind = draw(
        st.sampled_from(
            [({"property": name}, kind) for name, kind in KINDS.items()]
            + [({"field": name}, "text") for name in ("first_name", "last_name", "email", "email_domain")]
            + [({"field": name}, "date") for name in ("subscribed_at", "unsubscribed_at", "created_at")]
        )
    )
    op = draw(st.sampled_from([*VALUES[kind], "empty"]))
    return what | {"op": op} | ({} if op == "empty" else {"value": draw(VALUES[kind][op])})


@st.composite
def engagements(draw):
    what = draw(st.sampled_from(("opened", "clicked", "received")))
    asked = {"engagement": what}
    if draw(st.booleans()):
        asked["days"] = draw(st.sampled_from((1, 5, 12, 40, 400)))
    if draw(st.booleans()):
        asked["last_broadcasts"] = draw(st.integers(1, len(BROADCASTS)))
        asked["at_least"] = draw(st.integers(1, min(2, asked["last_broadcasts"])))
    elif draw(st.booleans()):
        asked["broadcasts"] = draw(some(st.sampled_from(list(BROADCASTS))).map(lambda ids: [*set(ids)]))
    if what != "received" and draw(st.booleans()):
        asked["signals"] = draw(st.sampled_from(("people", "all")))
    return asked


leaves = st.one_of(
    comparisons(),
    comparisons(),
    st.sampled_from(TAGS).map(lambda name: {"tag": name}),
    st.sampled_from(STATUSES).map(lambda status: {"field": "status", "op": "equals", "value": status}),
    engagements(),
    st.sampled_from(list(BROADCASTS)).map(lambda place: {"recipient_of": place}),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)


@cache
def world(seed):
    """Forty people whom chance made."""
    chance = random.Random(seed)

    def text():
        return "".join(chance.choices(MARKS, k=chance.choice((1, 2, 3))))

    def moment():
        return AT - timedelta(days=chance.choice(SPANS), hours=chance.choice((0, 11, 12, 13)))

    def value(kind):
        if kind == "text":
            return text()
        if kind == "number":
            return chance.choice(NUMBERS)
        if kind == "boolean":
            return chance.random() < 0.5
        if kind == "list":
            return [text() for _ in range(chance.randrange(3))]
        day = AT.date() + timedelta(days=chance.choice((-366, -365, -30, -1, 0, 1, 7)))
        return chance.choice((day, date(2024, 2, 29))).isoformat() + chance.choice(("", "T23:59:59Z"))

    def events():
        for place in chance.sample(list(BROADCASTS), chance.randrange(5)):
            before = BROADCASTS[place]
            yield "delivered", place, before * 0.99, ""
            if chance.random() < 0.2:
                yield "bounced", place, before * 0.98, ""
            for what in ("opened", "clicked"):
                if chance.random() < 0.5:
                    yield what, place, before * chance.random(), chance.choice(("person", "scanner", "bot"))

    def person(number):
        address = f"{chance.choice('ab')}{number}@{chance.choice(('a.example', 'b.example'))}"
        status = chance.choice(STATUSES)
        return Person(
            address,
            chance.choice(("", text())),
            chance.choice(("", text())),
            {name: value(kind) for name, kind in KINDS.items() if chance.random() < 0.7},
            [tag for tag in TAGS[:3] if chance.random() < 0.4],
            status,
            chance.choice((None, moment())),
            moment() if status == "unsubscribed" else None,
            moment(),
            [place for place in BROADCASTS if chance.random() < 0.4],
            list(events()),
        )

    return build(World([person(number) for number in range(40)], BROADCASTS))


def named(asked, made):
    """The filter with the ids of broadcasts for their places."""
    match asked:
        case {"recipient_of": place}:
            return {"recipient_of": f"bc_{made.ids[place]}"}
        case {"broadcasts": places}:
            return asked | {"broadcasts": [f"bc_{made.ids[place]}" for place in places]}
        case {"not": inner}:
            return {"not": named(inner, made)}
        case {"all": parts} | {"any": parts}:
            return {next(iter(asked)): [named(part, made) for part in parts]}
    return asked


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=filters, seed=st.integers(1, 3))
def test_the_database_finds_whom_plain_python_finds(stack, ask, asked, seed):
    made = world(seed)
    asked = named(asked, made)
    assert ask(asked, made) == {person.email for person in made.people if holds(asked, person, made)}
