"""What a user agent says of a device, by ua-parser's rules."""

from functools import lru_cache
from typing import NamedTuple

from ua_parser import parse

_DESKTOPS = ("Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Chrome OS", "FreeBSD")


class Client(NamedTuple):
    """Empty strings where the user agent does not say. `device` is phone, tablet or desktop."""

    device: str = ""
    os: str = ""
    browser: str = ""


@lru_cache(maxsize=20_000)
def client(user_agent: str) -> Client:
    """Device, operating system and browser (or mail program) of a User-Agent header."""
    parsed = parse(user_agent)
    os = parsed.os.family if parsed.os else ""
    browser = parsed.user_agent.family if parsed.user_agent else ""
    family = parsed.device.family if parsed.device else ""
    return Client(_device(user_agent, os, family), os, browser)


def _device(user_agent: str, os: str, family: str) -> str:
    if family == "Spider":
        return ""
    if family == "iPad" or (os == "Android" and "Mobile" not in user_agent):
        return "tablet"
    if os in ("iOS", "Android", "Windows Phone", "KaiOS"):
        return "phone"
    return "desktop" if os.startswith(_DESKTOPS) else ""
