import pytest

from sidecars.enrichers.verdict import Visit, judge
from tests.raw_events import BROWSER

LANGUAGE = {"accept-language": "de-DE"}
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)


def test_a_browser_in_its_own_time_is_a_person():
    verdict = judge(
        Visit(BROWSER, headers=LANGUAGE, network="Deutsche Telekom AG", seconds_after_delivery=90)
    )

    assert verdict.name == "person"
    assert verdict.reasons == []


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (GMAIL, "person"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "person"),
        (GMAIL_PREFETCH, "privacy_proxy"),
        ("Mozilla/5.0", "privacy_proxy"),
        ("Barracuda Sentinel (EE)", "scanner"),
        (BROWSER.replace("Chrome/", "HeadlessChrome/"), "scanner"),
        ("python-requests/2.31", "bot"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("", "bot"),
    ],
)
def test_a_program_is_told_by_its_user_agent(user_agent, name):
    verdict = judge(Visit(user_agent, headers=LANGUAGE))

    assert verdict.name == name
    assert verdict.reasons


def test_an_image_proxy_that_fetches_when_the_mail_is_opened_is_a_person_at_any_time_from_any_network():
    assert judge(Visit(GMAIL, network="GOOGLE", seconds_after_delivery=1)).name == "person"


def test_asking_for_the_headers_only_is_a_scanner():
    assert judge(Visit(BROWSER, http_method="HEAD", headers=LANGUAGE)).name == "scanner"


@pytest.mark.parametrize(
    "header", [{"sec-purpose": "prefetch;prerender"}, {"x-moz": "prefetch"}, {"x-purpose": "preview"}]
)
def test_a_prefetch_by_its_own_word_is_a_scanner(header):
    assert judge(Visit(BROWSER, headers=LANGUAGE | header)).name == "scanner"


def test_many_links_at_once_are_a_scanner():
    assert (
        judge(Visit(BROWSER, headers=LANGUAGE, seconds_after_delivery=600, links_at_once=3)).name == "scanner"
    )


def test_one_weak_sign_is_noted_and_believed_to_be_a_person():
    verdict = judge(Visit(BROWSER, headers=LANGUAGE, seconds_after_delivery=2, links_at_once=1))

    assert verdict.name == "person"
    assert verdict.reasons == ["within 5 s of delivery"]


def test_two_weak_signs_are_a_scanner():
    visit = Visit(
        BROWSER, headers=LANGUAGE, network="MICROSOFT-CORP", seconds_after_delivery=2, links_at_once=1
    )

    assert judge(visit).name == "scanner"
    assert judge(visit).reasons == ["within 5 s of delivery", "from a data centre (MICROSOFT-CORP)"]


def test_a_click_that_is_known_before_its_delivery_is_as_fast_as_one_right_after():
    assert judge(Visit(BROWSER, seconds_after_delivery=-1, links_at_once=1)).name == "scanner"


def test_a_delivery_that_was_settled_long_after_the_click_says_nothing():
    assert judge(Visit(BROWSER, headers=LANGUAGE, seconds_after_delivery=-3600)).reasons == []
