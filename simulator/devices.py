"""Who calls the tracking host, from where and with what: readers' devices, image proxies, scanners."""

import tomllib
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_name("devices.toml")


class Device(BaseModel):
    """devices.toml explains the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["desktop", "mobile", "webmail", "scanner"]
    weight: float
    user_agent: str
    browser: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    networks: tuple[IPv4Network, ...] = ()


class Country(BaseModel):
    """Where a reader is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    weight: float
    networks: tuple[IPv4Network, ...]
    language: str


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    device: tuple[Device, ...]
    country: tuple[Country, ...]


class Devices:
    """Picks the headers of one caller. The same generator state gives the same headers."""

    def __init__(self) -> None:
        file = _File.model_validate(tomllib.loads(FILE.read_text()))
        self._readers = [device for device in file.device if device.kind != "scanner"]
        self._scanners = [device for device in file.device if device.kind == "scanner"]
        self.countries = file.country

    def reader(self, chance: Random) -> tuple[dict[str, str], dict[str, str]]:
        """The headers with which one person's images are fetched, and those of their browser."""
        device = _pick(self._readers, chance)
        country = _pick(self.countries, chance)
        home = _address(country.networks, chance)
        proxied = _address(device.networks, chance) if device.networks else home
        images = {
            "User-Agent": device.user_agent,
            "Accept": "image/avif,image/webp,image/png,image/*;q=0.8,*/*;q=0.5",
            "X-Forwarded-For": proxied,
            **device.headers,
        }
        if device.kind != "webmail":
            images["Accept-Language"] = country.language
        browser = {
            "User-Agent": device.browser or device.user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": country.language,
            "X-Forwarded-For": home,
        }
        return images, browser

    def scanner(self, chance: Random) -> dict[str, str]:
        """The headers of a robot that opens links."""
        device = _pick(self._scanners, chance)
        address = _address(device.networks, chance)
        return {"User-Agent": device.user_agent, "Accept": "*/*", "X-Forwarded-For": address}


Weighted = TypeVar("Weighted", Device, Country)


def _pick(choices: Sequence[Weighted], chance: Random) -> Weighted:
    return chance.choices(choices, weights=[choice.weight for choice in choices])[0]


def _address(networks: Sequence[IPv4Network], chance: Random) -> str:
    network = chance.choice(networks)
    return str(network[chance.randrange(1, network.num_addresses - 1)])
