import pytest

from sidecars.mail.content import ContentSource, prepare
from sidecars.mail.errors import ContentError
from sidecars.mail.nesting import MAX_OPEN, MAX_OPEN_FORMATTING, check_nesting


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 100_000,
        "<table><tr><td>" * 50_000,
        "<mj-wrapper>" * 50_000,
        "".join(f"<b id={i}>" for i in range(5_000)) + "<p>x" * 20_000,
        # Each hides end tags where a parser does not see them.
        '<div title="</div>">' * 5_000,
        "<div title='</div>'>" * 5_000,
        "<div><!-- </div> -->" * 5_000,
        "<div><!--></div> <div>-->" * 5_000,
        "<div><title></div></title>" * 5_000,
        "<div><style></div></style>" * 5_000,
        "<svg><title>" + "<b>" * 5_000 + "</title></svg>",
    ],
)
@pytest.mark.parametrize("kind", ["html", "mjml"])
def test_a_source_that_would_end_the_process_is_refused(source, kind):
    with pytest.raises(ContentError) as raised:
        check_nesting(source, kind)

    assert raised.value.errors[0].field == "body"


def test_in_mjml_every_element_has_to_be_closed():
    with pytest.raises(ContentError):
        check_nesting("<p>x" * 5_000, "mjml")


def test_in_mjml_a_comment_has_one_way_to_end():
    with pytest.raises(ContentError):
        check_nesting("<mj-wrapper><!-- --!> </mj-wrapper> -->" * 5_000, "mjml")


@pytest.mark.parametrize(
    "source",
    [
        "<ul>" + "<li>x" * 2_000 + "</ul>",
        "<p>x" * 2_000,
        "<table>" + "<tr><td>x" * 2_000 + "</table>",
        '<a href="x"><b>x</b></a>' * 2_000,
        "<img src=x><br>" * 2_000,
        "<div>" * (MAX_OPEN - 1) + "</div>" * (MAX_OPEN - 1),
        "<b>" * MAX_OPEN_FORMATTING,
        "<!--[if mso]><table><tr><td><![endif]-->x<!--[if mso]></td></tr></table><![endif]-->" * 2_000,
    ],
)
def test_long_but_flat_sources_pass(source):
    check_nesting(source, "html")


def test_the_limit_itself_is_far_from_what_the_parsers_bear():
    body = "<div>" * (MAX_OPEN - 5) + "x" + "</div>" * (MAX_OPEN - 5)

    assert prepare(ContentSource("html", "s", "", body)).text == "x\n"
