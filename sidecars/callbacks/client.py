"""Posts to addresses that a team gave, and to none of a private network.

The check is made where the socket is made, of the very address that it will connect to: what a name leads to
a moment earlier or later is of no matter. Everything has a bound: time, size of headers and body. Redirects
are not followed, cookies not kept, nothing is unpacked.
"""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from sidecars.deliverability.dns_lookup import Dns, DnsUnavailable
from sidecars.deliverability.networks import is_public
from sidecars.settings import settings

CONNECT_SECONDS = 5.0
ALL_SECONDS = 15.0
# The status says it all; a body is read for the log, and so that the connection can be used again.
BODY_SECONDS = 2.0
MAX_BODY = 64 * 1024
KEPT_OCTETS = 1000
LONGEST_RETRY_AFTER = 3600


class Reply(NamedTuple):
    """What came of a request. `status` 0: no answer, for the `error`. `text` has the first KEPT_OCTETS.

    `retry_after`: seconds for which the receiver wants to be left alone, 0 where it did not say.
    """

    status: int
    text: str
    error: str
    seconds: float
    retry_after: int = 0


class NotPublic(OSError):
    """The address is of a private network."""


class Client:
    """Made by `client()`; of one event loop."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(
        self, url: str, body: str, headers: Mapping[str, str], limit: float | None = None
    ) -> Reply:
        """Returns within `limit` seconds (None: ALL_SECONDS), and raises nothing."""
        limit = limit or ALL_SECONDS
        began = time.monotonic()
        status, text, error, retry_after = 0, "", "", 0
        try:
            async with asyncio.timeout(limit):
                async with self._session.post(
                    url, data=body.encode(), headers=headers, allow_redirects=False
                ) as response:
                    status, retry_after = response.status, _seconds(response.headers.get("Retry-After", ""))
                    text = await _first_octets(response)
        except TimeoutError:
            error = "" if status else f"no answer within {limit:.0f} s"
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            error = "" if status else _in_words(problem)
        if 300 <= status < 400:
            error = "it redirects, which is not followed"
        return Reply(status, text, error, time.monotonic() - began, retry_after)


@asynccontextmanager
async def client(at_once: int) -> AsyncIterator[Client]:
    """With at most so many connections."""
    connector = aiohttp.TCPConnector(limit=at_once, resolver=_Resolver(), socket_factory=_socket)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"User-Agent": "Kibamail-Webhooks/1", "Content-Type": "application/json"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
    ) as session:
        yield Client(session)


def _socket(info: Any) -> socket.socket:
    """For aiohttp, which connects it to the address in `info`. Raises NotPublic."""
    family, kind, protocol, _, (address, *_) = info
    if not settings.courier_private and not is_public(address.partition("%")[0]):
        raise NotPublic(f"{address} is an address of a private network")
    return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """DNS_SERVERS, or those of the system; no hosts file, no search list."""

    def __init__(self) -> None:
        self._dns = Dns()

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            found = [
                (socket.AF_INET if kind == "A" else socket.AF_INET6, address)
                for kind in ("A", "AAAA")
                for address in await asyncio.to_thread(self._dns, host, kind)
            ]
        except DnsUnavailable as error:
            raise OSError(f"DNS could not be asked for {host}") from error
        if not found:
            raise OSError(f"{host} has no address in DNS")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=family_,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for family_, address in found
        ]

    @override
    async def close(self) -> None:
        """Nothing is kept open."""


async def _first_octets(response: aiohttp.ClientResponse) -> str:
    """Reads to the end, or till it is too much, too slow or broken."""
    octets = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while len(octets) < MAX_BODY and (piece := await response.content.read(8192)):
                octets += piece
    except (TimeoutError, aiohttp.ClientError, OSError):
        response.close()
    return octets[:KEPT_OCTETS].decode("utf-8", "replace").replace("\0", "\ufffd")


def _seconds(retry_after: str) -> int:
    """The form in seconds alone (RFC 9110 section 10.2.3)."""
    return min(int(retry_after), LONGEST_RETRY_AFTER) if re.fullmatch(r"[0-9]{1,9}", retry_after) else 0


def _in_words(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not good: {error.certificate_error}"[:255]
        case aiohttp.ServerDisconnectedError():
            return "it hung up without an answer"
        case aiohttp.ClientConnectorDNSError():
            return str(error.os_error)[:255]
        case aiohttp.ClientConnectorError():
            return f"no connection: {error.os_error}"[:255]
        case aiohttp.ClientResponseError():
            return f"it does not speak HTTP: {error.message}"[:255]
    return (str(error) or type(error).__name__)[:255]
