"""Kinds of properties: guessed from a column, and read from cells and JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.audiences.properties import PropertyError, fitted, guess_kind, kind_of, property_name, reader


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], "text"),
        (["", ""], "text"),
        (["1", "", "-2.5", "0"], "number"),
        (["1", "n/a"], "text"),
        (["00501", "10115"], "text"),
        (["+49 30 1234"], "text"),
        (["1e5"], "text"),
        (["12345678901234567890"], "text"),
        (["3,5"], "text"),
        (["2024-02-29", "1999-12-31"], "date"),
        (["2024-02-29T10:00:00Z"], "date"),
        (["2024-02-30"], "text"),
        (["20240229"], "number"),
        (["yes", "No", "TRUE", "false"], "boolean"),
        (["1", "0"], "number"),
        (["a|b", "c"], "list"),
    ],
)
def test_a_column_is_of_the_narrowest_kind_that_all_cells_fit(values, kind):
    assert guess_kind(values) == kind


@given(st.lists(st.text(max_size=20)))
def test_every_cell_can_be_read_as_the_kind_that_was_guessed(values):
    read = reader(guess_kind(values))
    for value in filter(None, values):
        read(value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "x", "x"),
        ("number", "12", 12),
        ("number", "-1.5", -1.5),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", "2024-02-29T12:00:00+02:00", "2024-02-29T10:00:00Z"),
        ("date", "2024-02-29 12:00:00", "2024-02-29T12:00:00Z"),
        ("boolean", "Yes", True),
        ("list", "a | b||c", ["a", "b", "c"]),
    ],
)
def test_a_cell_becomes_a_json_value(kind, text, value):
    assert reader(kind)(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("number", "NaN"),
        ("number", "1_000"),
        ("number", "١٢"),
        ("date", "tomorrow"),
        ("date", "20240229"),
        ("date", "2024-W09-4"),
        ("boolean", "1"),
        ("text", "x" * 2001),
        ("list", "a|" + "x" * 2001),
    ],
)
def test_a_cell_that_does_not_fit_says_so(kind, text):
    with pytest.raises(PropertyError):
        reader(kind)(text)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "x"),
        ("number", 3),
        ("number", 0.5),
        ("boolean", False),
        ("list", ["a"]),
        ("date", "2024-02-29"),
    ],
)
def test_json_values_of_the_right_kind_are_kept(kind, value):
    assert fitted(kind, value) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 3),
        ("text", ["a"]),
        ("text", {"a": 1}),
        ("text", "\ud800"),
        ("number", True),
        ("number", "3"),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", 10**400),
        ("boolean", 1),
        ("list", "a"),
        ("list", ["a", 1]),
        ("date", "soon"),
        ("date", 20240229),
    ],
)
def test_json_values_of_another_kind_are_refused(kind, value):
    with pytest.raises(PropertyError):
        fitted(kind, value)


@pytest.mark.parametrize(
    ("value", "kind"), [("x", "text"), (1, "number"), (1.5, "number"), (True, "boolean"), (["a"], "list")]
)
def test_a_json_value_declares_its_own_kind(value, kind):
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("City", "city"),
        ("Geburtsort (Land)", "geburtsort_land"),
        ("  Größe/cm ", "grosse_cm"),
        ("Prénom", "prenom"),
        ("名前", "名前"),
        ("!?", ""),
        ("x" * 90, "x" * 64),
    ],
)
def test_a_title_becomes_a_name(title, name):
    assert property_name(title) == name
    assert property_name(name) == name
