import pytest

from sidecars.audiences.segments import store
from sidecars.audiences.segments.language import read
from sidecars.audiences.segments.words import describe
from tests.audiences.segments.conftest import CORPUS, with_ids
from tests.audiences.segments.evaluation import holds


def address(name):
    return CORPUS["people"][name].get("email", f"{name}@mail.example")


@pytest.mark.parametrize("case", CORPUS["filters"], ids=lambda case: case["words"])
def test_a_filter_finds_its_people(village, ask, case):
    found = ask(with_ids(case["filter"], village), village)
    assert found == {address(name) for name in case["people"]}


def test_the_corpus_agrees_with_plain_python_and_its_words(village):
    assert len(CORPUS["filters"]) >= 60
    for case in CORPUS["filters"]:
        given = with_ids(case["filter"], village)
        people = {person.email for person in village.people if holds(given, person, village)}
        assert people == {address(name) for name in case["people"]}, case["words"]
        known = store.known(village.audience)
        if "bc_" not in case["words"]:  # else the ids are others
            assert describe(read(given, known), known) == case["words"]
