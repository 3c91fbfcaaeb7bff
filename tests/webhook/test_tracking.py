from uuid import uuid4

import pytest

from sidecars.mail.sealed_links import seal_link
from sidecars.mail.tokens import make_token
from sidecars.settings import settings
from sidecars.webhook import app
from sidecars.webhook.tracking import PIXEL
from tests.mailing import mailing
from tests.raw_events import BROWSER

SECRET = settings.token_secret.get_secret_value()


def token_of(mail):
    return make_token(mail.message_id, SECRET)


@pytest.fixture
def mail(stack):
    return mailing(1).mails[0]


def test_a_link_leads_to_its_target_and_the_click_is_noted(client, mail, clicks):
    headers = {"User-Agent": BROWSER, "Accept-Language": "de", "Referer": "https://webmail.example/"}

    answer = client.get(f"/c/{token_of(mail)}/0", headers=headers)

    assert (answer.status_code, answer.location) == (302, "https://shop.example/spring")
    assert "no-store" in answer.headers["Cache-Control"]
    (event,) = clicks.wait_for_events(1)
    assert event["message_id"] == str(mail.message_id)
    assert (event["type"], event["method"], event["link_index"]) == ("click", "click", 0)
    assert (event["ip"], event["http_method"], event["user_agent"]) == ("127.0.0.1", "GET", BROWSER)
    assert (event["referer"], event["headers"]) == ("https://webmail.example/", {"accept-language": "de"})


def test_liquid_in_a_target_is_filled_in_for_the_recipient(client, mail):
    assert (
        client.get(f"/c/{token_of(mail)}/1").location == "https://shop.example/?who=person0%40people.example"
    )


def test_a_sealed_link_leads_where_it_was_sealed_for_and_the_click_says_where(client, mail, clicks):
    url = "https://shop.example/?a=1&b=%C3%A4#top"
    sealed = seal_link(mail.message_id, 2, url, SECRET)

    answer = client.get(f"/c/{token_of(mail)}/2/{sealed}")

    assert (answer.status_code, answer.location) == (302, url)
    (event,) = clicks.wait_for_events(1)
    assert (event["link_index"], event["url"]) == (2, url)


def test_a_sealed_link_that_was_changed_or_is_another_mails_leads_nowhere(client, mail):
    sealed = seal_link(mail.message_id, 2, "https://shop.example/", SECRET)
    others = seal_link(uuid4(), 2, "https://shop.example/", SECRET)
    for index, changed in ((3, sealed), (2, sealed[:-2]), (2, others), (2, "!"), (2, "ä"), ("x", sealed)):
        assert client.get(f"/c/{token_of(mail)}/{index}/{changed}").status_code == 404


def test_a_token_in_capitals_opens_too(client, mail):
    assert client.get(f"/c/{token_of(mail).upper()}/0").status_code == 302


def test_a_link_works_when_redis_has_forgotten_the_mail(client, mail):
    mail.forget_in_redis()

    assert client.get(f"/c/{token_of(mail)}/2").location == "https://shop.example/a"


def test_a_head_request_is_answered_and_noted_as_such(client, mail, clicks):
    assert client.head(f"/c/{token_of(mail)}/0").status_code == 302
    assert clicks.wait_for_events(1)[0]["http_method"] == "HEAD"


@pytest.mark.parametrize("change", ["forged", "cut", "unknown mail", "no such link", "no number"])
def test_a_wrong_link_leads_to_a_page_that_says_so_and_nowhere_else(client, mail, clicks, change):
    token = token_of(mail)
    path = {
        "forged": f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}/0",
        "cut": f"{token[:20]}/0",
        "unknown mail": f"{make_token(uuid4(), SECRET)}/0",
        "no such link": f"{token}/99",
        "no number": f"{token}/https:%2F%2Fevil.example",
    }[change]

    answer = client.get(f"/c/{path}?url=https://evil.example", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "This link does not work" in answer.text
    assert "evil.example" not in answer.text
    assert clicks.events() == []


def test_a_target_that_is_no_web_address_leads_nowhere(client):
    mail = mailing(1, links=("{{ contact.first_name }}:alert(1)",)).mails[0]

    assert client.get(f"/c/{token_of(mail)}/0").status_code == 404


def test_an_index_beyond_every_number_is_no_link(client, mail):
    assert client.get(f"/c/{token_of(mail)}/{10**30}").status_code == 404


def test_an_open_is_noted_and_answered_by_a_pixel_that_nobody_keeps(client, mail, opens):
    answer = client.get(f"/o/{token_of(mail)}.gif", headers={"User-Agent": BROWSER})

    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/gif", PIXEL)
    assert len(PIXEL) == 43
    assert "no-store" in answer.headers["Cache-Control"]
    (event,) = opens.wait_for_events(1)
    assert (event["message_id"], event["user_agent"]) == (str(mail.message_id), BROWSER)


def test_a_wrong_token_gets_the_pixel_all_the_same_and_no_event(client, opens):
    answer = client.get(f"/o/{'a' * 40}.gif")

    assert (answer.status_code, answer.data) == (200, PIXEL)
    assert opens.events() == []


@pytest.mark.parametrize(("proxies", "ip"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.7")])
def test_the_visitors_address_is_told_by_as_many_proxies_as_are_trusted(
    stack, mail, opens, monkeypatch, proxies, ip
):
    monkeypatch.setattr(app, "settings", settings.model_copy(update={"trusted_proxies": proxies}))

    client = app.create_app().test_client()
    client.get(f"/o/{token_of(mail)}.gif", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})

    assert opens.wait_for_events(1)[0]["ip"] == ip
