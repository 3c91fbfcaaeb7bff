"""CSV files as people's programs write them."""

import io

import pytest

from sidecars.audiences.csvfile import FileError, Table


def table(content):
    return Table(io.BytesIO(content.encode() if isinstance(content, str) else content))


def rows(content):
    return list(table(content).rows())


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_separator_is_found_from_the_titles(mark):
    content = f"email{mark}name\na@b.example{mark}Ada\n"
    assert table(content).delimiter == mark
    assert rows(content) == [(2, ["a@b.example", "Ada"], "")]


def test_a_separator_inside_a_quoted_title_does_not_count():
    assert table('"Name, first";email\n').titles == ["Name, first", "email"]


def test_one_column_is_a_table_too():
    assert rows("email\na@b.example\n") == [(2, ["a@b.example"], "")]


def test_a_byte_order_mark_is_not_part_of_the_title():
    assert table(b"\xef\xbb\xbfemail,name\n").titles == ["email", "name"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_of_every_system(end):
    assert rows(end.join(["email", "a@b.example", "c@d.example", ""])) == [
        (2, ["a@b.example"], ""),
        (3, ["c@d.example"], ""),
    ]


def test_a_last_line_without_its_end_counts():
    assert rows("email\na@b.example") == [(2, ["a@b.example"], "")]


def test_quoted_cells_hold_separators_quotes_and_lines():
    content = 'email,note\r\na@b.example,"one, ""two""\r\nthree"\r\nc@d.example,x\r\n'
    assert rows(content) == [
        (2, ["a@b.example", 'one, "two"\r\nthree'], ""),
        (4, ["c@d.example", "x"], ""),
    ]


def test_empty_lines_are_no_rows():
    assert rows("email,name\n\n,\na@b.example,Ada\n\n") == [(4, ["a@b.example", "Ada"], "")]


def test_a_short_row_is_filled_up():
    assert rows("email,name,city\na@b.example\n") == [(2, ["a@b.example", "", ""], "")]


def test_a_long_row_is_told():
    assert rows("email,name\na@b.example,Ada,Berlin\n")[0][2] == "has 3 cells where the titles are 2"


def test_a_quote_never_closed_is_told_on_the_line_where_it_opens():
    found = rows('email,name\na@b.example,"Ada\nc@d.example,Bob\n')
    assert [(line, problem) for line, _, problem in found] == [
        (2, 'a quote (") is opened here and never closed')
    ]


def test_reading_goes_on_after_a_bad_row():
    found = rows('email,name\na@b.example,"Ada "the" first"\nc@d.example,Bob\n')
    assert "written twice" in found[0][2]
    assert found[1] == (3, ["c@d.example", "Bob"], "")


def test_a_quote_never_closed_in_a_large_file_does_not_fill_memory():
    content = 'email,name\na@b.example,"' + "x,y\n" * 100_000
    assert any("never closed" in problem for _, _, problem in rows(content))


def test_latin_1_is_refused_with_its_line():
    content = "email,name\na@b.example,Ada\nb@b.example,José\n".encode("latin-1")
    with pytest.raises(FileError, match=r"Line 3 is not UTF-8 \(byte 0xe9\).*Latin-1"):
        rows(content)


def test_utf_16_is_refused_by_its_name():
    with pytest.raises(FileError, match="UTF-16"):
        table("email,name\n".encode("utf-16"))


@pytest.mark.parametrize("content", ["", "\n", "  \nemail\n", b"\xef\xbb\xbf"])
def test_a_file_without_titles_is_refused(content):
    with pytest.raises(FileError, match="name the columns"):
        table(content)
