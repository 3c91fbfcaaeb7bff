import pytest

from sidecars.callbacks import endpoints
from sidecars.callbacks.endpoints import MOST_ENDPOINTS, TooManyEndpoints, UrlError, checked_url
from sidecars.callbacks.signing import new_secret
from sidecars.models import Team
from sidecars.settings import settings


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://app.example/", "https://"),
        ("ftp://app.example/", "https://"),
        ("https://", "name a host"),
        ("https:///path", "name a host"),
        ("https://app.example:99999/", "no web address"),
        ("https://[::1/", "no web address"),
        ("https://me:secret@app.example/", "no user name"),
        ("https://app.example/#part", "no #"),
        ("https://bücher.example/", "ASCII"),
        ("https://app.example/a b", "ASCII"),
        ("https://app.example/\r\nX-More: 1", "ASCII"),
        ("https://127.0.0.1/", "private network"),
        ("https://[::ffff:10.0.0.1]/", "private network"),
    ],
)
def test_an_address_that_events_may_not_be_sent_to_is_refused_with_a_reason(url, told, monkeypatch):
    strict = settings.model_copy(update={"courier_http": False, "courier_private": False})
    monkeypatch.setattr(endpoints, "settings", strict)
    with pytest.raises(UrlError, match=told):
        checked_url(url)


def test_addresses_on_this_machine_are_good_where_a_setting_says_so():
    assert checked_url("http://127.0.0.1:8000/hooks?a=1")


def test_secrets_are_sealed_and_no_two_are_the_same(app_of_a_team):
    app = app_of_a_team("/ok")
    assert app.secret not in app.row().secret
    assert app.secret.startswith("whsec_")
    assert len({new_secret() for _ in range(100)}) == 100


def test_a_team_has_so_many_endpoints_at_most(connected):
    team = Team.create(name="Acme")
    for _ in range(MOST_ENDPOINTS):
        endpoints.create(team.id, "https://app.example/", ["email.opened"], None, "")
    with pytest.raises(TooManyEndpoints):
        endpoints.create(team.id, "https://app.example/", ["email.opened"], None, "")
