"""Asks addresses that an author wrote, and none of a private network: loopback, link-local and the like.

The name is resolved here, and the connection goes to the very address that was checked. Everything has a
bound: time, size, redirects, connections at a time.
"""

import contextlib
import ipaddress
import socket
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import urllib3
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from sidecars.deliverability.dns_lookup import Dns, DnsUnavailable
from sidecars.deliverability.networks import is_public
from sidecars.settings import settings

STEP_SECONDS = 5.0
ALL_SECONDS = 20.0
AT_ONCE = 8
MAX_REDIRECTS = 5
MAX_OCTETS = 5 * 1024 * 1024


class NotAsked(Exception):
    """The address may not be asked, or is none; the text says why."""


@dataclass(frozen=True)
class Answer:
    """Of the last address, after `hops` redirects. `status` 0: none came, and `fault` says why.

    `refused`: it is not for us to ask. `octets` holds what was asked for, up to MAX_OCTETS.
    """

    url: str
    status: int = 0
    hops: int = 0
    fault: str = ""
    refused: bool = False
    octets: bytes = b""


class Web:
    """One rehearsal's questions; each address is asked once."""

    def __init__(self) -> None:
        self._dns = Dns()
        self._sockets: list[socket.socket] = []
        self._known: dict[tuple[str, bool], Answer] = {}
        self._http = urllib3.PoolManager(
            num_pools=100,
            headers={"User-Agent": "Kibamail-Rehearsal", "Accept": "*/*"},
            timeout=urllib3.Timeout(connect=STEP_SECONDS, read=STEP_SECONDS),
            retries=False,
        )
        self._http.pool_classes_by_scheme = {
            "http": _pool_class(urllib3.HTTPConnectionPool, _Connection, self),
            "https": _pool_class(urllib3.HTTPSConnectionPool, _SecureConnection, self),
        }

    def ask(self, urls: Iterable[str], with_content: bool = False) -> dict[str, Answer]:
        """The answer of each address, all of them within ALL_SECONDS."""
        asked = list(dict.fromkeys(urls))
        left = [url for url in asked if (url, with_content) not in self._known]
        pool = ThreadPoolExecutor(AT_ONCE)
        pending = {pool.submit(self._answer, url, with_content): url for url in left}
        done, late = wait(pending, timeout=ALL_SECONDS)
        pool.shutdown(wait=False, cancel_futures=True)
        if late:
            self._hang_up()
        for future in done:
            self._known[pending[future], with_content] = future.result()
        for future in late:
            url = pending[future]
            self._known[url, with_content] = Answer(url, fault=f"no answer within {ALL_SECONDS:.0f} s")
        return {url: self._known[url, with_content] for url in asked}

    def connect(self, host: str, port: int) -> socket.socket:
        """To an address of the host that may be asked. Raises NotAsked, OSError."""
        error: OSError | None = None
        for address in self._addresses(host):
            try:
                connection = socket.create_connection((address, port), STEP_SECONDS)
            except OSError as problem:
                error = problem
                continue
            self._sockets.append(connection)
            return connection
        raise error or OSError(f"{host} has no address in DNS")

    def _addresses(self, host: str) -> list[str]:
        try:
            found = [str(ipaddress.ip_address(host.strip("[]")))]
        except ValueError:
            try:
                found = self._dns(host, "A") + self._dns(host, "AAAA")
            except DnsUnavailable as error:
                raise OSError(f"DNS could not be asked for {host}") from error
        for address in found:
            if not settings.rehearsal_private_links and not is_public(address):
                raise NotAsked(f"{host} leads to {address}, an address of a private network")
        return found

    def _answer(self, url: str, with_content: bool) -> Answer:
        hops, at = 0, url
        try:
            while True:
                status, location, octets = self._request(at, with_content)
                if not 300 <= status < 400 or not location:
                    return Answer(at, status, hops, octets=octets)
                if hops == MAX_REDIRECTS:
                    return Answer(at, status, hops, fault=f"it redirects more than {MAX_REDIRECTS} times")
                hops, at = hops + 1, urljoin(at, location)
        except NotAsked as error:
            return Answer(at, 0, hops, fault=str(error), refused=True)
        except (HTTPError, OSError, ValueError) as error:
            return Answer(at, 0, hops, fault=_in_words(error))

    def _request(self, url: str, with_content: bool) -> tuple[int, str, bytes]:
        if urlsplit(url).scheme.lower() not in ("http", "https") or not urlsplit(url).hostname:
            raise NotAsked(f"{url} is no web address")
        if with_content:
            return self._get(url, MAX_OCTETS)
        status, location, _ = self._call("HEAD", url, 0)
        # Not every server knows HEAD; what a GET brings is not read.
        return (status, location, b"") if status < 400 else self._get(url, 0)

    def _get(self, url: str, most: int) -> tuple[int, str, bytes]:
        return self._call("GET", url, most)

    def _call(self, method: str, url: str, most: int) -> tuple[int, str, bytes]:
        response = self._http.request(method, url, redirect=False, preload_content=False)
        try:
            ended = time.monotonic() + ALL_SECONDS
            octets = b""
            while len(octets) < most and time.monotonic() < ended:
                piece = response.read(min(65_536, most - len(octets)), decode_content=False)
                if not piece:
                    break
                octets += piece
            return response.status, response.headers.get("Location", ""), octets
        finally:
            response.close()

    def _hang_up(self) -> None:
        """Ends what a server would draw out, so that no thread waits for it."""
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    web: Web

    @override
    def _new_conn(self) -> socket.socket:
        return self.web.connect(self.host, self.port)


class _SecureConnection(HTTPSConnection):
    web: Web

    @override
    def _new_conn(self) -> socket.socket:
        return self.web.connect(self.host, self.port)


def _pool_class(pool: type, connection: type, web: Web) -> Any:
    """The pool whose connections go by the web's rules."""
    own = type(connection.__name__, (connection,), {"web": web})
    return cast(Any, type(pool.__name__, (pool,), {"ConnectionCls": own}))


def _in_words(error: Exception) -> str:
    match error:
        case urllib3.exceptions.SSLError():
            return f"its certificate is not good: {error}"
        case urllib3.exceptions.TimeoutError() | TimeoutError():
            return f"no answer within {STEP_SECONDS:.0f} s"
    return str(error)[:200]
