"""Calls to tracking hosts: kept connections, a bounded number, loopback only, redirects not followed."""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from simulator.agenda import Agenda, Never, NotNow
from simulator.loopback import NotLoopback, require_loopback
from simulator.zone import Zone


class Web:
    """One client for everybody. Make it inside a running loop."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._session = ClientSession(
            connector=TCPConnector(limit=Agenda.WORKERS, resolver=ZoneResolver(zone), use_dns_cache=False),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=30),
            skip_auto_headers=("User-Agent",),
        )

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status (2xx or 3xx) and body. Raises Never for an address outside this machine, else NotNow."""
        try:
            host = urlsplit(url).hostname or ""
            for address in self._zone.addresses(host) or [host]:
                require_loopback(address)
        except NotLoopback as reason:
            raise Never(f"{method} {url}: {reason}") from reason
        try:
            async with self._session.request(
                method, url, headers=headers, data=form, allow_redirects=False
            ) as response:
                body = await response.read()
        except (ClientError, OSError, TimeoutError) as error:
            raise NotNow(f"{method} {url}: {error!r}") from error
        if response.status >= 400:
            raise NotNow(f"{method} {url} answered {response.status}")
        return response.status, body

    async def close(self) -> None:
        """Ends all kept connections."""
        await self._session.close()


class ZoneResolver(AbstractResolver):
    """Host names by the simulated DNS alone: a link's own host leads to this machine there."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Its addresses on loopback. Raises OSError for a name that has none."""
        addresses = ["127.0.0.1"] if host == "localhost" else self._zone.addresses(host)
        if not addresses:
            raise OSError(f"{host} has no address in the simulated DNS")
        for address in addresses:
            require_loopback(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Holds nothing."""
