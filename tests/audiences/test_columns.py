"""What columns mean, and how rows are read by them."""

import pytest

from sidecars.audiences.columns import (
    Columns,
    Person,
    RowError,
    check_mapping,
    guess_kinds,
    guess_mapping,
)
from sidecars.audiences.csvfile import FileError


@pytest.mark.parametrize(
    "title", ["email", "E-Mail", "E-mail Address", "EMAIL_ADDRESS", " Correo electrónico "]
)
def test_an_email_column_is_known_by_many_names(title):
    assert guess_mapping([title]) == {title: "email"}


@pytest.mark.parametrize(
    ("title", "target"),
    [
        ("First Name", "first_name"),
        ("Vorname", "first_name"),
        ("Prénom", "first_name"),
        ("last-name", "last_name"),
        ("Nachname", "last_name"),
        ("Tags", "tags"),
        ("Lieblings-Tee", "properties.lieblings_tee"),
        ("", None),
        ("!!", None),
    ],
)
def test_other_columns(title, target):
    assert guess_mapping(["email", title])[title] == target


def test_a_second_email_column_is_a_property():
    assert guess_mapping(["Email", "E-Mail"]) == {"Email": "email", "E-Mail": "properties.e_mail"}


@pytest.mark.parametrize(
    ("titles", "mapping", "told"),
    [
        (["email", "email"], None, "Two columns are named “email”"),
        (["name"], None, "No column is the email address; there are: name."),
        (["ada@mail.example", "Ada"], None, "must name the columns"),
        (["email"], {"email": "email", "mail": "email"}, "does not have"),
        (["email", "x"], {"email": "email", "x": "email"}, "Two columns are mapped to email"),
        (["email", "x"], {"email": "email", "x": "phone"}, "“phone” is no target"),
        (["email", "x"], {"email": "email", "x": "properties."}, "is no target"),
        (["email", "x"], {"email": None, "x": "first_name"}, "No column is the email"),
    ],
)
def test_a_mapping_that_does_not_suit_says_why(titles, mapping, told):
    with pytest.raises(FileError, match=told.replace(".", r"\.")):
        check_mapping(titles, guess_mapping(titles) if mapping is None else mapping)


TITLES = ["email", "first", "last", "tags", "age"]
COLUMNS = Columns(TITLES, guess_mapping(TITLES), {"age": "number"})


def test_a_row_becomes_a_person():
    read = COLUMNS.read(["Ada@Mail.example", "Ada  Maria", "Lovelace", "vip, maths|vip", "36"])
    assert read == Person("ada@mail.example", "Ada Maria", "Lovelace", {"age": 36}, ("vip", "maths"))


def test_empty_cells_say_nothing():
    assert COLUMNS.read(["ada@mail.example", "", "", "", ""]) == Person("ada@mail.example")


@pytest.mark.parametrize(
    ("cells", "field", "told"),
    [
        (["", "", "", "", ""], "email", "@-sign"),
        (["ada@mail", "", "", "", ""], "email", "period"),
        (["ada@mail.example", "x" * 121, "", "", ""], "first", "longer than 120"),
        (["ada@mail.example", "", "", "x" * 65, ""], "tags", "longer than 64"),
        (["ada@mail.example", "", "", "", "old"], "age", '"old" is not a number'),
    ],
)
def test_a_row_that_does_not_fit_names_its_column(cells, field, told):
    with pytest.raises(RowError, match=told) as error:
        COLUMNS.read(cells)
    assert error.value.field == field


def test_a_later_row_fills_and_overrides_an_earlier():
    earlier = Person("a@b.example", "Ada", "", {"city": "London", "age": 35}, ("x",))
    later = Person("a@b.example", "", "Lovelace", {"age": 36}, ("y", "x"))
    assert later.over(earlier) == Person(
        "a@b.example", "Ada", "Lovelace", {"city": "London", "age": 36}, ("x", "y")
    )


def test_kinds_are_guessed_for_properties_alone():
    rows = [["a@b.example", "Ada", "", "", "1"], ["c@d.example", "Bob", "", "", ""]]
    assert guess_kinds(TITLES, guess_mapping(TITLES), rows) == {"age": "number"}
