from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sidecars import names
from sidecars.edge.messages import Attribution
from sidecars.enrichers.clicks import process
from tests.raw_events import click_event, rfc3339, unsubscribe_event

MESSAGE = uuid4()
WHOSE = Attribution(team_id=3, broadcast_id=7, contact_id=11, variant_id=2)
START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def outcome_of(*events):
    urls = {(2, index): f"https://shop.example/{index}" for index in range(5)}
    return process(events, {MESSAGE: WHOSE}, {}, urls, "2026-11-24T10:15:30.125Z")


def click_at(seconds, link_index):
    return click_event(MESSAGE, link_index, occurred_at=rfc3339(START + timedelta(seconds=seconds)))


def verdicts(outcome):
    return [row["verdict"] for row in outcome.rows[names.TOPIC_CH_CLICKS]]


def test_a_click_has_its_link_as_the_author_wrote_it():
    (row,) = outcome_of(click_event(MESSAGE, 3)).rows[names.TOPIC_CH_CLICKS]

    assert (row["link_index"], row["url"], row["verdict"]) == (3, "https://shop.example/3", "person")


def test_a_click_on_a_submitted_mails_link_brings_its_target_along():
    click = click_event(MESSAGE, 3) | {"url": "https://elsewhere.example/"}
    (row,) = outcome_of(click).rows[names.TOPIC_CH_CLICKS]

    assert row["url"] == "https://elsewhere.example/"


def test_all_clicks_of_a_burst_are_a_scanners_the_first_one_too():
    outcome = outcome_of(*(click_at(seconds=index * 0.3, link_index=index) for index in range(4)))

    assert verdicts(outcome) == ["scanner"] * 4


def test_links_followed_one_after_the_other_are_a_persons():
    assert verdicts(outcome_of(*(click_at(index * 10, index) for index in range(4)))) == ["person"] * 4


def test_one_link_followed_again_and_again_is_no_burst():
    assert (
        verdicts(outcome_of(*(click_at(index * 0.3, link_index=0) for index in range(4)))) == ["person"] * 4
    )


def test_an_unsubscribe_is_a_persons_whoever_posted_it():
    outcome = outcome_of(unsubscribe_event(MESSAGE, "one-click", user_agent="python-requests/2"))

    (row,) = outcome.rows[names.TOPIC_CH_CLICKS]
    assert (row["type"], row["method"], row["verdict"], row["link_index"]) == (
        "unsubscribe",
        "one-click",
        "person",
        None,
    )
    assert outcome.unsubscribes[0].whose == WHOSE
    assert outcome.unsubscribes[0].how == "one-click"


def test_what_the_preference_page_did_is_counted_and_not_done_again():
    outcome = outcome_of(unsubscribe_event(MESSAGE, names.METHOD_PREFERENCES))

    (row,) = outcome.rows[names.TOPIC_CH_CLICKS]
    assert (row["type"], row["method"]) == ("unsubscribe", "preferences")
    assert outcome.unsubscribes == []
