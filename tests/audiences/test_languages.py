"""What the pages say in each language."""

from string import Formatter

import pytest

from sidecars.audiences.languages import choose, languages

SPOKEN = languages()
ENGLISH = SPOKEN["en"].words


def places(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


def test_sixteen_languages_are_spoken_and_two_run_from_right_to_left():
    assert set(SPOKEN) == {
        *("ar", "de", "en", "es", "fr", "he", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr"),
        *("zh-Hans", "zh-Hant"),
    }
    assert {tag for tag, language in SPOKEN.items() if language.direction == "rtl"} == {"ar", "he"}


@pytest.mark.parametrize("tag", SPOKEN)
def test_no_language_lacks_a_text_or_a_place_in_it(tag):
    words = SPOKEN[tag].words
    assert words.keys() == ENGLISH.keys()
    for key, text in words.items():
        assert text.strip() == text != ""
        assert places(text) == places(ENGLISH[key]), key
    assert tag == "en" or [key for key in words if words[key] == ENGLISH[key]] == []


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        (["de-AT"], "de"),
        (["pt-BR"], "pt"),
        (["zh-TW"], "zh-Hant"),
        (["zh-Hant-HK"], "zh-Hant"),
        (["zh-CN"], "zh-Hans"),
        (["zh"], "zh-Hans"),
        (["iw"], "he"),
        (["sv", "fr"], "fr"),
        (["", "*", "x" * 5000, "../../en", "de DE", "ä"], "en"),
        ([], "en"),
    ],
)
def test_a_reader_gets_a_language_that_they_can_read(wanted, spoken):
    assert choose(wanted).tag == spoken


def test_a_value_is_escaped_and_keeps_its_direction():
    assert SPOKEN["he"].say("preferences_for", address="<b>@x.example") == (
        "עבור <bdi>&lt;b&gt;@x.example</bdi>"
    )
