import pytest

from sidecars.enrichers.client import Client, client
from tests.raw_events import BROWSER

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone; CPU iPhone", "iPad; CPU")
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36"
)
OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; Microsoft Outlook 16.0.17328; "
    "ms-office; MSOffice 16)"
)


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (BROWSER, Client("desktop", "Windows", "Chrome")),
        (IPHONE, Client("phone", "iOS", "Mobile Safari")),
        (IPAD, Client("tablet", "iOS", "Mobile Safari")),
        (ANDROID, Client("phone", "Android", "Chrome Mobile")),
        (ANDROID.replace(" Mobile", ""), Client("tablet", "Android", "Chrome")),
        (OUTLOOK, Client("desktop", "Windows", "Outlook")),
        ("curl/8.0", Client("", "", "curl")),
        ("", Client()),
    ],
)
def test_a_user_agent_tells_device_system_and_browser(user_agent, expected):
    assert client(user_agent) == expected
