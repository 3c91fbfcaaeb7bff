"""The simulator as a whole: its parts put together, started, reset and stopped."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from aiohttp import web

from simulator import http
from simulator.agenda import Agenda
from simulator.certificate import server_context
from simulator.chance import Dice
from simulator.dns import UdpServer, serve_tcp
from simulator.edge import Edge
from simulator.loopback import LOOPBACK
from simulator.people import People
from simulator.post import Post, Recipient
from simulator.providers import Providers
from simulator.receipts import Receipts
from simulator.reports import Reports
from simulator.settings import Settings
from simulator.smtp import Receiver
from simulator.store import Mail, Store
from simulator.web import Web
from simulator.zone import Zone

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.05
DRAIN_SECONDS = 5.0
BACKLOG = 1024


class Simulator:
    """Make it inside a running loop."""

    def __init__(self, settings: Settings) -> None:
        dice = Dice(settings.seed)
        self.settings = settings
        self.providers = Providers.load(settings.rules, settings.seed)
        self.receipts = Receipts(settings.home / "receipts.ndjson")
        self.store = Store(settings.home / "mails", settings.keep_mails)
        self.zone = Zone(self.providers, settings.home / "dns.json")
        self.agenda = Agenda()
        self.web = Web(self.zone)
        edge = Edge(*settings.edge, hostname="outside.example")
        later = (dice, settings.time_scale, self.agenda, self.receipts, self.store)
        self.people = People(*later, self.web, edge)
        self.reports = Reports(*later, edge)
        self.post = Post(self.providers, dice, self.receipts, self.store, self.arrived)
        self.receiver = Receiver(self.post, dice, server_context(self.providers.exchangers()))
        self._servers: list[asyncio.Server] = []

    def arrived(self, mail: Mail, recipient: Recipient) -> None:
        """What follows from a mail that was taken. Nobody reads a mail that comes back."""
        if recipient.outcome.name == "dsn":
            self.reports.bounce_later(mail, recipient.provider)
            return
        self.people.receive(mail, recipient.provider)
        if recipient.outcome.name == "complaint":
            self.reports.complain_later(mail, recipient.provider)

    async def start(self) -> None:
        """Returns when all listeners are open."""
        await self._listen_smtp()
        await self._listen_dns()
        self._web_runner = web.AppRunner(http.application(self), access_log=None)
        await self._web_runner.setup()
        await web.TCPSite(self._web_runner, LOOPBACK, self.settings.http_port).start()
        self._flusher = asyncio.create_task(self._flush_forever())
        log.info("started", extra={"smtp": self.settings.smtp_port, "http": self.settings.http_port})

    async def stop(self) -> None:
        """Ends transactions, calls under way and open files; what was planned for later is dropped."""
        log.info("draining", extra={"pending_actions": self.agenda.pending})
        for server in self._servers:
            server.close()
        await self.receiver.drain(DRAIN_SECONDS)
        await self.agenda.close()
        await self.web.close()
        self._dns_udp.close()
        await self._web_runner.cleanup()
        self._flusher.cancel()
        with suppress(asyncio.CancelledError):
            await self._flusher
        self.receipts.close()
        self.store.close()
        log.info("stopped", extra=self.receipts.total())

    def reset(self) -> None:
        """Forgets mails, receipts, attempts, plans and added DNS records."""
        self.agenda.forget()
        self.post.reset()
        self.receipts.reset()
        self.store.reset()
        self.zone.reset()

    async def _listen_smtp(self) -> None:
        """Each mail exchanger at its own address, and one listener at 127.0.0.1 that takes for all."""
        listeners = [(LOOPBACK, self.receiver.session_at("mx.example", None))]
        for host, (address, provider) in self.providers.exchangers().items():
            listeners.append((address, self.receiver.session_at(host, provider)))
        loop = asyncio.get_running_loop()
        for address, factory in listeners:
            port = self.settings.smtp_port
            self._servers.append(await loop.create_server(factory, address, port, backlog=BACKLOG))

    async def _listen_dns(self) -> None:
        loop = asyncio.get_running_loop()
        address = (LOOPBACK, self.settings.dns_port)
        self._dns_udp, _ = await loop.create_datagram_endpoint(lambda: UdpServer(self.zone), address)
        self._servers.append(await asyncio.start_server(partial(serve_tcp, self.zone), *address))

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.receipts.flush()
            self.store.flush()
